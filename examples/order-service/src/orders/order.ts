import { z } from 'zod';

const itemSchema = z.object({
  sku: z.string().min(1).max(64),
  quantity: z.int().min(1).max(1_000),
  unitPriceCents: z.int().min(0).max(100_000_000),
});

/** What a customer posts. */
export const orderRequestSchema = z.strictObject({
  customer: z.string().min(1).max(100),
  items: z.array(itemSchema).min(1).max(100),
});
export type OrderRequest = z.infer<typeof orderRequestSchema>;

/** What goes over the bus: the body of a message with tag `placed`. */
export const placedOrderSchema = orderRequestSchema.extend({
  id: z.string().min(1).max(64),
  placedAt: z.iso.datetime(),
});
export type PlacedOrder = z.infer<typeof placedOrderSchema>;

/** What `GET /orders/:id` shows. */
export interface Order extends PlacedOrder {
  totalCents: number;
  /** `placed`: sent to the bus. `confirmed`: the consumer has handled it. */
  status: 'placed' | 'confirmed';
  confirmedAt?: string;
}

export function totalCents(order: OrderRequest): number {
  return order.items.reduce((sum, { quantity, unitPriceCents }) => sum + quantity * unitPriceCents, 0);
}
