import { ConsumeResult, PushConsumer, silentLogger } from '@rocknest/client-core';
import { RawConnection } from '../../../support/raw-remoting.js';
import { maxOffset } from '../../../support/raw-requests.js';

/** Consumes messages of orders and notes where each of them stands. */
export class OrderConsumer {
  /** Order -> the places (`queue/offset`) of its messages. */
  readonly places = new Map<number, Set<string>>();
  /** Calls of the handler's messages, repetitions included. */
  handled = 0;

  private constructor(
    private readonly consumer: PushConsumer,
    private readonly topic: string,
  ) {}

  static async start(namesrvAddr: string, topic: string): Promise<OrderConsumer> {
    const consumer = new PushConsumer({
      namesrvAddr,
      group: 'invoices',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      logger: silentLogger,
    });
    const orders = new OrderConsumer(consumer, topic);
    consumer.subscribe(topic);
    consumer.registerMessageListener((messages) => {
      for (const { body, queueId, queueOffset } of messages) {
        const { id } = JSON.parse(body.toString()) as { id: number };
        const at = orders.places.get(id) ?? new Set();
        orders.places.set(id, at.add(`${queueId}/${queueOffset}`));
        orders.handled++;
      }
      return ConsumeResult.CONSUME_SUCCESS;
    });
    await consumer.start();
    return orders;
  }

  /** Whether every message of the topic was consumed. */
  async isAtEnd(brokerAddr: string, queueCount: number): Promise<boolean> {
    const connection = await RawConnection.open(brokerAddr);
    let stored = 0;
    for (let queueId = 0; queueId < queueCount; queueId++) stored += await maxOffset(connection, this.topic, queueId);
    connection.close();
    const consumed = [...this.places.values()].reduce((sum, at) => sum + at.size, 0);
    return consumed === stored;
  }

  stop(): Promise<void> {
    return this.consumer.shutdown();
  }
}
