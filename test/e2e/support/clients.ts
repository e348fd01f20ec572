import {
  Producer,
  PushConsumer,
  silentLogger,
  type MessageExt,
  type MessageListener,
  type ProducerOptions,
  type PushConsumerOptions,
} from '@rocknest/client-core';

let names = 0;

/** A name that no other test of this run has. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${process.pid}-${++names}`;
}

export interface Received {
  message: MessageExt;
  text: string;
}

/** Clients of one test, shut down together. */
export class Clients {
  private readonly closers: (() => Promise<void>)[] = [];

  constructor(private readonly namesrvAddr: string) {}

  async producer(options: Partial<ProducerOptions> = {}): Promise<Producer> {
    const producer = new Producer({
      namesrvAddr: this.namesrvAddr,
      group: uniqueName('producer'),
      logger: silentLogger,
      ...options,
    });
    this.closers.push(() => producer.shutdown());
    await producer.start();
    return producer;
  }

  /** A consumer that keeps what it gets; `listener` decides the outcome (default: success). */
  async consumer(
    topic: string,
    options: Partial<PushConsumerOptions> & { expression?: string } = {},
    listener: MessageListener = () => 'CONSUME_SUCCESS',
  ): Promise<{ consumer: PushConsumer; received: Received[] }> {
    const { expression, ...rest } = options;
    const consumer = new PushConsumer({
      namesrvAddr: this.namesrvAddr,
      group: uniqueName('group'),
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      pollMissingRouteIntervalMs: 50,
      logger: silentLogger,
      ...rest,
    });
    const received: Received[] = [];
    consumer.subscribe(topic, expression);
    consumer.registerMessageListener((messages, context) => {
      for (const message of messages) received.push({ message, text: message.body.toString() });
      return listener(messages, context);
    });
    this.closers.push(() => consumer.shutdown({ timeoutMs: 1_000 }));
    await consumer.start();
    return { consumer, received };
  }

  /** Remembers something else to be ended. */
  add(close: () => Promise<void>): void {
    this.closers.push(close);
  }

  async shutdown(): Promise<void> {
    for (let close = this.closers.pop(); close; close = this.closers.pop()) await close();
  }
}

/** `count` texts: `text-0`, `text-1`, ... */
export function texts(count: number, prefix = 'text'): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
}
