import { SetMetadata } from '@nestjs/common';
import { PRODUCER_NAME } from '../defaults.js';

/** Metadata of a class with `@TransactionListener()`: the name of its producer. */
export const TRANSACTION_LISTENER_METADATA: unique symbol = Symbol('rocknest.transactionListener');

/**
 * Makes a provider the local side of a producer's transactions: a class with `executeLocalTransaction` and `checkLocalTransaction`
 * (`RocketMQTransactionListener`). A producer has one at most.
 *
 * @param producer name of the producer of `RocketMQModule.forFeature`; left out: the one of `forRoot`
 */
export function TransactionListener(producer: string = PRODUCER_NAME): ClassDecorator {
  return SetMetadata(TRANSACTION_LISTENER_METADATA, producer);
}
