import { Injectable, Logger, ServiceUnavailableException } from '@nestjs/common';
import { InjectProducer, RocketMQProducer } from '@rocknest/client';
import { randomUUID } from 'node:crypto';
import { ORDERS_TOPIC, PLACED_TAG } from '../settings.js';
import { OrderBook } from './order-book.js';
import type { Order, OrderRequest, PlacedOrder } from './order.js';

@Injectable()
export class OrdersService {
  private readonly logger = new Logger(OrdersService.name);

  constructor(
    @InjectProducer() private readonly producer: RocketMQProducer,
    private readonly book: OrderBook,
  ) {}

  /** Sends the order. It is placed when this resolves: the broker has stored the message. */
  async place(request: OrderRequest, id: string = randomUUID()): Promise<Order> {
    const order: PlacedOrder = { id, ...request, placedAt: new Date().toISOString() };
    this.book.placed(order);
    try {
      await this.producer.send({ topic: ORDERS_TOPIC, tags: PLACED_TAG, keys: id, body: order });
    } catch (error) {
      this.book.forget(id);
      this.logger.error(`order ${id} could not be sent: ${String(error)}`);
      throw new ServiceUnavailableException('the order could not be taken, please try again', { cause: error });
    }
    return this.book.find(id) ?? this.book.placed(order);
  }

  find(id: string): Order | undefined {
    return this.book.find(id);
  }
}
