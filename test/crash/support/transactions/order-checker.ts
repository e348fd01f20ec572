import type { OrderConsumer } from './order-consumer.js';

export interface OrderReport {
  /** Orders in the database. */
  committed: number;
  /** Orders of which a message came. */
  consumed: number;
  /** In the database, but no message came. */
  lost: number;
  /** A message came, but the order is not in the database. */
  ghosts: number;
  /** More than one message of the order was stored. */
  storedTwice: number;
  /** Times that a stored message came to the consumer once more. */
  handledAgain: number;
  /** Some of what is wrong. */
  examples: string[];
}

const MAX_EXAMPLES = 20;

/** Compares what stands in the database with what was consumed. */
export function compareOrders(
  inDatabase: readonly number[],
  { places, handled }: Pick<OrderConsumer, 'places' | 'handled'>,
): OrderReport {
  const committed = new Set(inDatabase);
  const lost = [...committed].filter((id) => !places.has(id));
  const ghosts = [...places.keys()].filter((id) => !committed.has(id));
  const twice = [...places].filter(([, at]) => at.size > 1);
  const stored = [...places.values()].reduce((sum, at) => sum + at.size, 0);
  const examples = [
    ...lost.map((id) => `order ${id} is in the database, no message came`),
    ...ghosts.map((id) => `order ${id} was consumed, it is not in the database`),
    ...twice.map(([id, at]) => `order ${id} was stored at ${[...at].join(' and ')}`),
  ];
  return {
    committed: committed.size,
    consumed: places.size,
    lost: lost.length,
    ghosts: ghosts.length,
    storedTwice: twice.length,
    handledAgain: handled - stored,
    examples: examples.slice(0, MAX_EXAMPLES),
  };
}
