import {
  Body,
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  StandardSchemaValidationPipe,
  UsePipes,
} from '@nestjs/common';
import { orderRequestSchema, type Order, type OrderRequest } from './order.js';
import { OrdersService } from './orders.service.js';

@Controller('orders')
@UsePipes(StandardSchemaValidationPipe)
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  /** 202: the order is on the bus, and a consumer confirms it. */
  @Post()
  @HttpCode(202)
  place(@Body({ schema: orderRequestSchema }) request: OrderRequest): Promise<Order> {
    return this.orders.place(request);
  }

  @Get(':id')
  find(@Param('id') id: string): Order {
    const order = this.orders.find(id);
    if (!order) throw new NotFoundException(`no order ${id}`);
    return order;
  }
}
