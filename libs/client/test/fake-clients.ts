import { LitePullConsumer, MQClientError } from '@rocknest/client-core';
import type {
  ConsumeContext,
  LitePullConsumerOptions,
  ConsumeOrderlyContext,
  ListenerResult,
  OrderlyListenerResult,
  MessageExt,
  MessageInput,
  ReplyInput,
  MessageListener,
  MessageListenerOrderly,
  MessageQueue,
  ProducerOptions,
  PushConsumerOptions,
  QueryResult,
  QueueSelector,
  SendCallback,
  SendOptions,
  SendResult,
  TransactionSendResult,
} from '@rocknest/client-core';
import type { ProducerPort, PushConsumerPort, RocketMQClientFactory } from '../src/core-port.js';

let sequence = 0;

/** A message as a consumer would get it. */
export function testMessage(
  topic: string,
  payload: unknown,
  extra: Partial<MessageExt> & { tags?: string; keys?: string } = {},
): MessageExt {
  const { tags, keys, properties, ...rest } = extra;
  const queueOffset = sequence++;
  const body = Buffer.isBuffer(payload)
    ? payload
    : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
  return {
    topic,
    body,
    flag: 0,
    properties: { ...(tags && { TAGS: tags }), ...(keys && { KEYS: keys }), ...properties },
    queueId: 0,
    queueOffset,
    physicalOffset: queueOffset * 100,
    storeSize: 100,
    sysFlag: 0,
    bornTimestamp: 1,
    bornHost: '127.0.0.1:1',
    storeTimestamp: 2,
    storeHost: '127.0.0.1:2',
    bodyCrc: 0,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    msgId: `ID${queueOffset}`,
    offsetMsgId: `OFFSET${queueOffset}`,
    brokerName: 'broker-a',
    ...rest,
  };
}

/** A `PushConsumer` whose messages come from the test. */
export class FakePushConsumer implements PushConsumerPort {
  readonly subscriptions = new Map<string, string>();
  started = false;
  intakeStopped = false;
  isShutDown = false;
  /** Makes `start()` fail or wait. */
  startWork: () => Promise<void> = () => Promise.resolve();
  private listener: MessageListener | undefined = undefined;
  private orderlyListener: MessageListenerOrderly | undefined = undefined;

  constructor(
    readonly options: PushConsumerOptions,
    private readonly journal: string[],
  ) {}

  subscribe(topic: string, expression = '*'): void {
    this.subscriptions.set(topic, expression);
  }

  registerMessageListener(listener: MessageListener): void {
    this.listener = listener;
  }

  registerMessageListenerOrderly(listener: MessageListenerOrderly): void {
    this.orderlyListener = listener;
  }

  async start(): Promise<void> {
    await this.startWork();
    this.started = true;
    this.journal.push(`start ${this.options.group}`);
  }

  isSuspended = false;
  pausedQueues: QueueSelector[] = [];

  suspend(): void {
    this.isSuspended = true;
  }

  resume(): void {
    this.isSuspended = false;
  }

  pauseQueues(...selectors: readonly QueueSelector[]): void {
    this.pausedQueues.push(...selectors);
  }

  resumeQueues(...selectors: readonly QueueSelector[]): void {
    const topics = selectors.map(({ topic }) => topic);
    this.pausedQueues = this.pausedQueues.filter(({ topic }) => selectors.length > 0 && !topics.includes(topic));
  }

  /** What the listener said of each message of the last call, where it said anything. */
  outcomes: ConsumeContext['outcomes'];
  /** What it said of the last call to an administrator who asks for it. */
  directReport: ConsumeContext['directReport'];

  stopIntake(): void {
    this.intakeStopped = true;
    this.journal.push(`stopIntake ${this.options.group}`);
  }

  async shutdown(): Promise<void> {
    this.isShutDown = true;
    this.journal.push(`shutdown ${this.options.group}`);
  }

  /** Hands messages to the listener and gives what it answers, as client-core would take it. */
  async deliver(...messages: MessageExt[]): Promise<ListenerResult | `${ListenerResult}:${number}`> {
    const { topic, queueId } = messages[0];
    return this.deliverFrom({ topic, brokerName: 'broker-a', queueId }, ...messages);
  }

  /** The same with a queue that is one object for several calls, as client-core's is. */
  async deliverFrom(
    messageQueue: MessageQueue,
    ...messages: MessageExt[]
  ): Promise<ListenerResult | `${ListenerResult}:${number}`> {
    const context: ConsumeContext = { messageQueue, delayLevelWhenNextConsume: 0, ackIndex: Number.MAX_SAFE_INTEGER };
    const result = await this.listener!(messages, context);
    this.outcomes = context.outcomes;
    this.directReport = context.directReport;
    return result === 'CONSUME_SUCCESS' && context.ackIndex !== Number.MAX_SAFE_INTEGER
      ? `CONSUME_SUCCESS:${context.ackIndex}`
      : result;
  }

  /** The same with the orderly listener; the answer comes with what the listener set in its context. */
  async deliverInOrder(
    ...messages: MessageExt[]
  ): Promise<{ result: OrderlyListenerResult; context: ConsumeOrderlyContext }> {
    const { topic, queueId } = messages[0];
    const context: ConsumeOrderlyContext = {
      messageQueue: { topic, brokerName: 'broker-a', queueId },
      autoCommit: true,
      suspendCurrentQueueTimeMillis: -1,
      ackIndex: -1,
      deadLetters: [],
    };
    return { result: await this.orderlyListener!(messages, context), context };
  }
}

/** A `LitePullConsumer` that connects to nothing. */
export class FakeLitePullConsumer extends LitePullConsumer {
  readonly asked: unknown[] = [];

  constructor(
    readonly given: LitePullConsumerOptions,
    private readonly journal: string[],
  ) {
    super(given);
  }

  override async subscribe(...parts: Parameters<LitePullConsumer['subscribe']>): Promise<void> {
    this.asked.push(['subscribe', ...parts]);
    await super.subscribe(...parts);
  }

  override async assign(...parts: Parameters<LitePullConsumer['assign']>): Promise<void> {
    this.asked.push(['assign', ...parts]);
    await super.assign(...parts);
  }

  override async start(): Promise<void> {
    this.journal.push(`start ${this.group}`);
  }

  override stopIntake(): void {
    this.journal.push(`stopIntake ${this.group}`);
  }

  override async shutdown(options?: { timeoutMs?: number }): Promise<void> {
    this.journal.push(`shutdown ${this.group} ${options?.timeoutMs}`);
  }
}

/** A `Producer` that keeps what it is given. */
export class FakeProducer implements ProducerPort {
  readonly sent: (MessageInput | readonly MessageInput[])[] = [];
  started = false;
  isShutDown = false;

  constructor(
    readonly options: ProducerOptions,
    private readonly factory: FakeClientFactory,
  ) {}

  async start(): Promise<void> {
    await this.factory.producerStart(this);
    this.started = true;
    this.factory.journal.push(`start producer ${this.options.group}`);
  }

  async shutdown(): Promise<void> {
    this.isShutDown = true;
    this.factory.journal.push(`shutdown producer ${this.options.group}`);
  }

  async send(message: MessageInput | readonly MessageInput[], _options?: SendOptions): Promise<SendResult> {
    if (this.factory.sendError) throw this.factory.sendError;
    this.sent.push(message);
    const { topic } = [message].flat()[0];
    const messageQueue = { topic, brokerName: 'broker-a', queueId: 0 };
    return {
      status: 'SEND_OK',
      msgId: `S${this.sent.length}`,
      offsetMsgId: '',
      messageQueue,
      queueOffset: this.sent.length - 1,
    };
  }

  async sendMessageInTransaction(message: MessageInput, arg?: unknown): Promise<TransactionSendResult> {
    const sent = await this.send(message);
    const localTransactionState =
      (await this.options.transactionListener?.executeLocalTransaction(
        { ...message, msgId: sent.msgId, transactionId: sent.msgId },
        arg,
      )) ?? 'UNKNOWN';
    return { ...sent, localTransactionState };
  }

  sendAsync(message: MessageInput | readonly MessageInput[], callback: SendCallback): void {
    void this.send(message).then(
      (result) => callback.onSuccess(result),
      (error: Error) => callback.onException(error),
    );
  }

  readonly replies: { request: MessageExt; reply: ReplyInput }[] = [];
  /** What a request is answered with. */
  replyTo: (message: MessageInput) => Promise<MessageExt> = () => new Promise(() => {});

  async request(message: MessageInput): Promise<MessageExt> {
    this.sent.push(message);
    return this.replyTo(message);
  }

  async reply(request: MessageExt, reply: ReplyInput): Promise<void> {
    this.replies.push({ request, reply });
  }

  async sendInBatches(messages: readonly MessageInput[]): Promise<SendResult[]> {
    return [await this.send(messages)];
  }

  async sendOneway(message: MessageInput): Promise<void> {
    this.sent.push(message);
  }

  async recallMessage(_topic: string, recallHandle: string): Promise<string> {
    return `recalled ${recallHandle}`;
  }

  async fetchPublishMessageQueues(topic: string): Promise<MessageQueue[]> {
    return [{ topic, brokerName: 'broker-a', queueId: 0 }];
  }

  async queryMessage(): Promise<QueryResult> {
    return { messages: [], indexLastUpdateTimestamp: 0 };
  }

  async viewMessage(topic: string, msgId: string): Promise<MessageExt> {
    throw new MQClientError('NO_MESSAGE', `the fake broker has no message ${msgId} of ${topic}`);
  }
}

/** Makes fakes and remembers them, with a journal of what started and stopped in which order. */
export class FakeClientFactory implements RocketMQClientFactory {
  readonly producers: FakeProducer[] = [];
  readonly consumers: FakePushConsumer[] = [];
  readonly litePullConsumers: FakeLitePullConsumer[] = [];
  readonly journal: string[] = [];
  sendError: Error | undefined = undefined;
  producerStart: (producer: FakeProducer) => Promise<void> = () => Promise.resolve();
  onConsumer: (consumer: FakePushConsumer) => void = () => undefined;

  createProducer(options: ProducerOptions): FakeProducer {
    const producer = new FakeProducer(options, this);
    this.producers.push(producer);
    return producer;
  }

  createPushConsumer(options: PushConsumerOptions): FakePushConsumer {
    const consumer = new FakePushConsumer(options, this.journal);
    this.consumers.push(consumer);
    this.onConsumer(consumer);
    return consumer;
  }

  createLitePullConsumer(options: LitePullConsumerOptions): FakeLitePullConsumer {
    const consumer = new FakeLitePullConsumer(options, this.journal);
    this.litePullConsumers.push(consumer);
    return consumer;
  }

  consumer(group: string): FakePushConsumer {
    const found = this.consumers.find((consumer) => consumer.options.group === group);
    if (!found)
      throw new Error(
        `no consumer of group ${group}, there are ${this.consumers.map((c) => c.options.group).join(', ')}`,
      );
    return found;
  }
}
