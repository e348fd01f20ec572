import { LocalTransactionState, type MessageExt } from '@rocknest/client-core';
import {
  MAX_TRANSACTION_MS,
  OUTCOME_CLEAN_UP_BATCH,
  OUTCOME_CLEAN_UP_INTERVAL_MS,
  OUTCOME_RETENTION_MS,
} from '../defaults.js';
import { invalidOption, RocketMQPluginError, RocketMQPluginErrorCode } from '../errors.js';
import { OUTCOME_ENTITY, type OutcomeRow } from './outcome-table.js';
import { Serial } from './serial.js';
import type { TransactionManager, TransactionOptions } from './transaction-database.js';

const { COMMIT_MESSAGE, ROLLBACK_MESSAGE, UNKNOWN } = LocalTransactionState;

/** Databases whose `DataSource` has a connection for each transaction. On the others two transactions at a time would become one. */
const POOLED = new Set([
  'postgres',
  'cockroachdb',
  'aurora-postgres',
  'mysql',
  'mariadb',
  'aurora-mysql',
  'mssql',
  'oracle',
]);

interface OutcomeLogger {
  warn(message: string): void;
  error(message: string): void;
}

/** How a database transaction went. */
export type Ended<T> =
  | { readonly state: typeof COMMIT_MESSAGE; readonly value: T }
  | { readonly state: typeof ROLLBACK_MESSAGE | typeof UNKNOWN; readonly error: unknown };

/**
 * The outcomes of database transactions, kept in the same database and in the same transaction: the row is there exactly if the transaction
 * has committed.
 *
 * Who finds no row may only say "rolled back" when the transaction cannot commit any more. So a check that is sure enough to say so writes a
 * row of its own first: the primary key lets one of the two rows in, and the loser's transaction is rolled back.
 */
export class TransactionOutcomes {
  /** Transactions that run in this process. */
  private readonly active = new Set<string>();
  private readonly serial: Serial | undefined;
  private readonly maxTransactionMs: number;
  private readonly retentionMs: number;
  private cleanedUpMs = 0;
  private cleaningUp = false;

  constructor(
    private readonly options: TransactionOptions,
    private readonly logger: OutcomeLogger,
    private readonly now: () => number = Date.now,
  ) {
    this.maxTransactionMs = positive('maxTransactionMs', options.maxTransactionMs ?? MAX_TRANSACTION_MS);
    this.retentionMs = positive('outcomeRetentionMs', options.outcomeRetentionMs ?? OUTCOME_RETENTION_MS);
    if (this.retentionMs <= this.maxTransactionMs) {
      throw invalidOption('transactions.outcomeRetentionMs must be longer than transactions.maxTransactionMs');
    }
    if (!POOLED.has(options.dataSource.options.type)) this.serial = new Serial();
  }

  /** Runs the work in a transaction that leaves its outcome behind. Never rejects. */
  async run<T, M>(id: string, work: (manager: M) => Promise<T>): Promise<Ended<T>> {
    this.active.add(id);
    try {
      return await this.alone(() => this.transaction(id, work));
    } finally {
      this.active.delete(id);
      this.cleanUpSoon();
    }
  }

  /** What became of the transaction of a message. Rejects when the database does not say. */
  async check(message: MessageExt): Promise<LocalTransactionState> {
    const id = message.msgId;
    if (this.active.has(id)) return UNKNOWN;
    return this.alone(async () => {
      const known = await this.find(id);
      if (known !== undefined) return known;
      const ageMs = this.now() - message.bornTimestamp;
      // It may still run, in another process.
      if (ageMs <= this.maxTransactionMs) return UNKNOWN;
      if (ageMs > this.retentionMs) {
        this.logger.error(
          `the broker asks about transaction ${id}, which is ${ageMs} ms old: its outcome was kept for ${this.retentionMs} ms (outcomeRetentionMs)`,
        );
        return UNKNOWN;
      }
      return this.forbid(id);
    });
  }

  private async transaction<T, M>(id: string, work: (manager: M) => Promise<T>): Promise<Ended<T>> {
    let step: 'work' | 'outcome' | 'commit' = 'work';
    try {
      const value = await this.options.dataSource.transaction(async (manager) => {
        const result = await work(manager as M);
        step = 'outcome';
        await (manager as TransactionManager).insert(OUTCOME_ENTITY, this.row(id, 'COMMITTED'));
        step = 'commit';
        return result;
      });
      return { state: COMMIT_MESSAGE, value };
    } catch (error) {
      // A commit that failed may have reached the database.
      if ((step as string) === 'commit') return { state: UNKNOWN, error };
      if ((step as string) === 'work') return { state: ROLLBACK_MESSAGE, error };
      const expired = new RocketMQPluginError(
        RocketMQPluginErrorCode.TRANSACTION,
        `the outcome of transaction ${id} could not be written, and so the transaction was rolled back: it took longer than maxTransactionMs ` +
          `(${this.maxTransactionMs}) and was given up by a check, or the table of transactionOutcomeSchema is missing`,
        { cause: error },
      );
      return { state: ROLLBACK_MESSAGE, error: expired };
    }
  }

  /** Makes sure that the transaction cannot commit any more, or finds that it has. */
  private async forbid(id: string): Promise<LocalTransactionState> {
    try {
      await this.manager.insert(OUTCOME_ENTITY, this.row(id, 'ROLLED_BACK'));
      return ROLLBACK_MESSAGE;
    } catch (error) {
      const known = await this.find(id);
      if (known !== undefined) return known;
      throw error;
    }
  }

  private async find(id: string): Promise<LocalTransactionState | undefined> {
    const row = (await this.manager.findOneBy(OUTCOME_ENTITY, { id })) as OutcomeRow | null;
    if (row === null) return undefined;
    return row.outcome === 'COMMITTED' ? COMMIT_MESSAGE : ROLLBACK_MESSAGE;
  }

  private row(id: string, outcome: OutcomeRow['outcome']): Record<string, unknown> {
    return { id, outcome, createdAt: this.now() };
  }

  private get manager(): TransactionManager {
    return this.options.dataSource.manager as TransactionManager;
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    return this.serial === undefined ? work() : this.serial.run(work);
  }

  private cleanUpSoon(): void {
    if (this.cleaningUp || this.now() - this.cleanedUpMs < OUTCOME_CLEAN_UP_INTERVAL_MS) return;
    this.cleaningUp = true;
    this.cleanUp()
      .catch((error: unknown) => this.logger.warn(`old outcomes of transactions were not deleted: ${String(error)}`))
      .finally(() => {
        this.cleaningUp = false;
        this.cleanedUpMs = this.now();
      });
  }

  /** Deletes outcomes that nobody asks for any more, some at a time. */
  private async cleanUp(): Promise<void> {
    const beforeMs = this.now() - this.retentionMs;
    const deleteSome = async (): Promise<number> => {
      const rows = (await this.manager.find(OUTCOME_ENTITY, {
        select: { id: true, createdAt: true },
        order: { createdAt: 'ASC' },
        take: OUTCOME_CLEAN_UP_BATCH,
      })) as OutcomeRow[];
      const ids = rows.filter(({ createdAt }) => Number(createdAt) < beforeMs).map(({ id }) => id);
      if (ids.length > 0) await this.manager.delete(OUTCOME_ENTITY, ids);
      return ids.length;
    };
    while ((await this.alone(deleteSome)) === OUTCOME_CLEAN_UP_BATCH);
  }
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw invalidOption(`transactions.${name} is ${value}, must be a positive number of ms`);
}
