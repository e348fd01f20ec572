import { Module } from '@nestjs/common';
import { OrderBook } from './order-book.js';
import { OrdersConsumer } from './orders.consumer.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';

@Module({ controllers: [OrdersController, OrdersConsumer], providers: [OrdersService, OrderBook] })
export class OrdersModule {}
