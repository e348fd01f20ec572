import {
  LocalTransactionState,
  type MessageExt,
  type TransactionListener,
  type TransactionMessage,
} from '@rocknest/client-core';
import type { TransactionOutcomes } from './transaction-outcomes.js';

/** The user property of messages whose outcome stands in the database. */
export const TRANSACTION_PROPERTY = 'rocknestTransaction';
export const DATABASE_TRANSACTION = 'database';

/** The local part of `inTransaction`. */
export class DatabaseWork {
  constructor(readonly run: (id: string) => Promise<LocalTransactionState>) {}
}

/**
 * The `transactionListener` of a Nest producer: transactions of `inTransaction` are looked up in the database, all others are the affair of
 * the class with `@TransactionListener()`.
 */
export class TransactionCoordinator implements TransactionListener {
  listener: TransactionListener | undefined = undefined;

  constructor(
    private readonly outcomes: TransactionOutcomes | undefined,
    private readonly warn: (text: string) => void,
  ) {}

  executeLocalTransaction(
    message: TransactionMessage,
    arg: unknown,
  ): LocalTransactionState | Promise<LocalTransactionState> {
    if (arg instanceof DatabaseWork) return arg.run(message.msgId);
    return this.listener?.executeLocalTransaction(message, arg) ?? LocalTransactionState.UNKNOWN;
  }

  checkLocalTransaction(message: MessageExt): LocalTransactionState | Promise<LocalTransactionState> {
    const isDatabase = message.properties[TRANSACTION_PROPERTY] === DATABASE_TRANSACTION;
    if (isDatabase && this.outcomes !== undefined) return this.outcomes.check(message);
    if (!isDatabase && this.listener !== undefined) return this.listener.checkLocalTransaction(message);
    this.warn(
      `the broker asks about transaction ${message.msgId} to ${message.topic}, but this producer has no ` +
        (isDatabase ? 'option transactions with the dataSource' : '@TransactionListener()'),
    );
    return LocalTransactionState.UNKNOWN;
  }
}
