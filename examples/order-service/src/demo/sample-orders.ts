import type { OrderRequest } from '../orders/order.js';

const CUSTOMERS = ['Ada', 'Grace', 'Linus', 'Margaret', 'Edsger', 'Barbara'];
const SKUS = ['tea', 'coffee', 'cocoa', 'biscuits'];

/** The n-th order of a run: made up, the same in each run. */
export function sampleOrder(n: number): OrderRequest {
  return {
    customer: CUSTOMERS[n % CUSTOMERS.length],
    items: [{ sku: SKUS[n % SKUS.length], quantity: 1 + (n % 9), unitPriceCents: 100 + (n % 900) }],
  };
}
