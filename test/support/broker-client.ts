import {
  buildPullSysFlag,
  buildSql92SubscriptionData,
  buildSubscriptionData,
  type ConsumerData,
  decodeMessages,
  decodePullMessageResponse,
  decodeSendMessageResponse,
  encodeBatchBody,
  encodeHeartbeatData,
  encodeProperties,
  encodePullMessageRequest,
  encodeSendMessageRequestV2,
  type HeaderFields,
  type MessageExt,
  type PullMessageRequest,
  type PullMessageResponse,
  RemotingCommand,
  RequestCode,
  type SendMessageRequest,
  type SendMessageResponse,
} from '@rocknest/protocol';
import { RemotingClient } from '@rocknest/remoting';

const TIMEOUT_MS = 10_000;

export interface SendOptions extends Partial<SendMessageRequest> {
  readonly code?: number;
  readonly propertyMap?: Readonly<Record<string, string>>;
}

export interface SendReply extends SendMessageResponse {
  readonly code: number;
  readonly remark: string | undefined;
}

export interface PullReply extends Partial<PullMessageResponse> {
  readonly code: number;
  readonly remark: string | undefined;
  readonly messages: MessageExt[];
}

/**
 * Speaks to one broker as a client would, one request at a time and without any cleverness: for tests of the broker itself.
 */
export class BrokerClient {
  readonly remoting = new RemotingClient();
  /** Requests that the broker sent, in order. */
  readonly received: RemotingCommand[] = [];
  /** What its requests say that it is written in. */
  language = 'OTHER';
  private uniqKeys = 0;

  constructor(
    readonly address: string,
    readonly clientId = `127.0.0.1@test-${Math.random().toString(36).slice(2)}`,
  ) {
    this.remoting.registerHandler(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, (request) => {
      this.received.push(request);
    });
  }

  close(): Promise<void> {
    return this.remoting.close();
  }

  request(code: number, fields?: HeaderFields, body?: Buffer, timeoutMs = TIMEOUT_MS): Promise<RemotingCommand> {
    const command = RemotingCommand.request(code, fields, body);
    command.language = this.language;
    return this.remoting.invoke(this.address, command, timeoutMs);
  }

  oneway(code: number, fields?: HeaderFields, body?: Buffer): Promise<void> {
    return this.remoting.invokeOneway(this.address, RemotingCommand.request(code, fields, body));
  }

  async send(topic: string, body: string | Buffer, options: SendOptions = {}): Promise<SendReply> {
    const { code = RequestCode.SEND_MESSAGE_V2, propertyMap, ...header } = options;
    const fields = encodeSendMessageRequestV2(this.sendHeader(topic, header, propertyMap));
    return readSendReply(await this.request(code, fields, Buffer.from(body)));
  }

  async sendBatch(
    topic: string,
    bodies: readonly string[],
    header: Partial<SendMessageRequest> = {},
    code: number = RequestCode.SEND_BATCH_MESSAGE,
  ): Promise<SendReply> {
    const messages = bodies.map((body) => ({
      topic,
      body: Buffer.from(body),
      properties: { UNIQ_KEY: `K${this.uniqKeys++}`, TAGS: 'batch' },
    }));
    const fields = encodeSendMessageRequestV2(this.sendHeader(topic, { batch: true, ...header }));
    return readSendReply(await this.request(code, fields, encodeBatchBody(messages)));
  }

  sendHeader(
    topic: string,
    header: Partial<SendMessageRequest> = {},
    propertyMap: Readonly<Record<string, string>> = {},
  ): SendMessageRequest {
    return {
      producerGroup: 'test_producers',
      topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: 0,
      sysFlag: 0,
      bornTimestamp: Date.now(),
      flag: 0,
      properties: encodeProperties({ UNIQ_KEY: `K${this.uniqKeys++}`, WAIT: 'true', ...propertyMap }),
      reconsumeTimes: 0,
      unitMode: false,
      maxReconsumeTimes: undefined,
      batch: false,
      brokerName: undefined,
      ...header,
    };
  }

  async pull(
    group: string,
    topic: string,
    queueOffset: number,
    options: Partial<PullMessageRequest> & { suspend?: boolean; code?: number } = {},
  ): Promise<PullReply> {
    const { suspend = false, code = RequestCode.PULL_MESSAGE, ...header } = options;
    const subscription = header.subscription !== undefined;
    const fields = encodePullMessageRequest({
      consumerGroup: group,
      topic,
      queueId: 0,
      queueOffset,
      maxMsgNums: 32,
      sysFlag: buildPullSysFlag({ commitOffset: header.commitOffset !== undefined, suspend, subscription }),
      commitOffset: 0,
      suspendTimeoutMillis: 15_000,
      subscription: undefined,
      subVersion: 0,
      expressionType: 'TAG',
      maxMsgBytes: undefined,
      ...header,
    });
    const response = await this.request(code, fields, undefined, 30_000);
    const { remark, bodyBuffer } = response;
    const header2 = response.field('nextBeginOffset') === undefined ? {} : decodePullMessageResponse(response);
    return { code: response.code, remark, ...header2, messages: decodeMessages(bodyBuffer) };
  }

  /** Joins a group that subscribes topics: `{ topic: expression }`. */
  heartbeat(
    group: string,
    subscriptions: Readonly<Record<string, string>>,
    options: {
      subVersion?: number;
      messageModel?: string;
      producerGroups?: readonly string[];
      /** What the expressions are. Default TAG. */
      expressionType?: string;
    } = {},
  ): Promise<RemotingCommand> {
    const consumer: ConsumerData = {
      groupName: group,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: options.messageModel ?? 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptionDataSet: Object.entries(subscriptions).map(([topic, expression]) => ({
        ...(options.expressionType === undefined
          ? buildSubscriptionData(topic, expression)
          : { ...buildSql92SubscriptionData(topic, expression), expressionType: options.expressionType }),
        subVersion: options.subVersion ?? 1,
      })),
      unitMode: false,
    };
    const body = encodeHeartbeatData({
      clientID: this.clientId,
      consumerDataSet: [consumer],
      producerDataSet: (options.producerGroups ?? []).map((groupName) => ({ groupName })),
      heartbeatFingerprint: 0,
      withoutSub: false,
    });
    return this.request(RequestCode.HEART_BEAT, undefined, body);
  }
}

function readSendReply(response: RemotingCommand): SendReply {
  const { code, remark } = response;
  const hasHeader = response.field('msgId') !== undefined;
  const header = hasHeader ? decodeSendMessageResponse(response) : { msgId: '', queueId: -1, queueOffset: -1 };
  return { code, remark, ...header };
}
