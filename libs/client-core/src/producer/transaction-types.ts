import type { MessageExt } from '@rocknest/protocol';
import type { MessageInput } from './message-input.js';
import type { SendResult } from './send-result.js';

/** What became of a local transaction (RocketMQ: `client/producer/LocalTransactionState.java`, which writes UNKNOW). */
export const LocalTransactionState = {
  /** Consumers get the message. */
  COMMIT_MESSAGE: 'COMMIT_MESSAGE',
  /** Nobody gets it. */
  ROLLBACK_MESSAGE: 'ROLLBACK_MESSAGE',
  /** Not known yet: the broker asks again. */
  UNKNOWN: 'UNKNOWN',
} as const;
export type LocalTransactionState = (typeof LocalTransactionState)[keyof typeof LocalTransactionState];

/** A message whose half is with the broker. */
export interface TransactionMessage extends MessageInput {
  /** Its UNIQ_KEY: the same that the check will bring, in whichever process. */
  readonly msgId: string;
  readonly transactionId: string;
}

/** The local side of transactions (RocketMQ: `client/producer/TransactionListener.java`). */
export interface TransactionListener {
  /**
   * Called when the half message is stored. What it throws counts as UNKNOWN: the broker will ask.
   *
   * @param arg what was given to `sendMessageInTransaction`
   */
  executeLocalTransaction(
    message: TransactionMessage,
    arg: unknown,
  ): LocalTransactionState | Promise<LocalTransactionState>;
  /**
   * The broker asks, because no end came in time: what became of it? Any member of the producer group may be asked, about a transaction of
   * any other, also of one that crashed. What it throws counts as UNKNOWN.
   */
  checkLocalTransaction(message: MessageExt): LocalTransactionState | Promise<LocalTransactionState>;
}

/** RocketMQ: `client/producer/TransactionSendResult.java`. */
export interface TransactionSendResult extends SendResult {
  localTransactionState: LocalTransactionState;
  /** What `executeLocalTransaction` threw. */
  localException?: unknown;
}

/** A transaction that its producer ends, by itself or when the broker asks. */
export interface EndedTransaction {
  readonly topic: string;
  readonly msgId: string;
  readonly tags: string | undefined;
  readonly keys: string | undefined;
  readonly storeHost: string;
  readonly transactionId: string | undefined;
  readonly regionId: string | undefined;
  readonly state: LocalTransactionState;
  readonly fromTransactionCheck: boolean;
}
