import { Injectable } from '@nestjs/common';
import { totalCents, type Order, type PlacedOrder } from './order.js';

/** Orders kept; the oldest are forgotten first. */
const MAX_ORDERS = 100_000;

/** The orders that this process knows, in memory: the place of a database in this example. */
@Injectable()
export class OrderBook {
  private readonly orders = new Map<string, Order>();
  private readonly listeners: ((order: Order) => void)[] = [];

  find(id: string): Order | undefined {
    return this.orders.get(id);
  }

  placed(order: PlacedOrder): Order {
    return this.put({ ...order, totalCents: totalCents(order), status: 'placed' });
  }

  /** Notes that an order was handled. A message may come twice, so the second time changes nothing. */
  confirmed(order: PlacedOrder, at: Date = new Date()): Order {
    const known = this.orders.get(order.id);
    if (known?.status === 'confirmed') return known;
    const confirmed = this.put({
      ...order,
      totalCents: totalCents(order),
      status: 'confirmed',
      confirmedAt: at.toISOString(),
    });
    for (const listener of this.listeners) listener(confirmed);
    return confirmed;
  }

  forget(id: string): void {
    this.orders.delete(id);
  }

  /** Calls `listener` for each order when it is confirmed. */
  onConfirmed(listener: (order: Order) => void): void {
    this.listeners.push(listener);
  }

  private put(order: Order): Order {
    this.orders.set(order.id, order);
    if (this.orders.size > MAX_ORDERS) {
      for (const oldest of this.orders.keys()) {
        this.orders.delete(oldest);
        break;
      }
    }
    return order;
  }
}
