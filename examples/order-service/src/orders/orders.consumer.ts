import { Controller, Logger, StandardSchemaValidationPipe, UsePipes } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, RocketMQContext } from '@rocknest/client';
import { ORDERS_TOPIC, PLACED_TAG } from '../settings.js';
import { OrderBook } from './order-book.js';
import { placedOrderSchema, type PlacedOrder } from './order.js';

@Controller()
@UsePipes(StandardSchemaValidationPipe)
export class OrdersConsumer {
  private readonly logger = new Logger(OrdersConsumer.name);

  constructor(private readonly book: OrderBook) {}

  /** The message is acknowledged when this has ended, and comes again when it throws. Its group is that of the `RocketMQServer`. */
  @ConcurrentConsumer({ topic: ORDERS_TOPIC, tags: PLACED_TAG, concurrency: 50 })
  onPlaced(@Payload({ schema: placedOrderSchema }) order: PlacedOrder, @Ctx() context: RocketMQContext): void {
    this.book.confirmed(order);
    this.logger.debug(
      `order ${order.id} of ${order.customer} confirmed (queue ${context.getQueueId()}, offset ${context.getQueueOffset()})`,
    );
  }
}
