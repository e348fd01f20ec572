import { DATABASE_WRITE_TIMEOUT_MS } from '../defaults.js';
import { classifyDatabaseError, reasonOf } from './database-error.js';
import type { OpenDatabase } from './open-database.js';
import type { DataSource } from './typeorm.js';

/** What TypeORM hands to a transaction. */
export type Transaction = DataSource['manager'];

export interface DatabaseWriterOptions {
  /** How messages call the database: `The metadata database`. */
  readonly what: string;
  /** What goes on and what does not while it is down, as a sentence. */
  readonly whileDown: string;
  readonly logger: { log(message: string): void; warn(message: string): void };
  readonly timeoutMs?: number;
  /** Called when an outage is over. */
  readonly onBack?: () => void;
}

/**
 * The one place from which a database is written, one job after the other: with SQLite all of TypeORM shares one connection, on
 * which two transactions at once would become one.
 *
 * It also knows whether the database is down, and says so once for each outage, and once when it is over.
 */
export class DatabaseWriter {
  private last: Promise<void> = Promise.resolve();
  private downSince: number | undefined = undefined;
  private mustReopen = false;

  constructor(
    private readonly database: OpenDatabase,
    private readonly options: DatabaseWriterOptions,
  ) {}

  /** For messages; has no password. */
  get databaseName(): string {
    return this.database.name;
  }

  get isDown(): boolean {
    return this.downSince !== undefined;
  }

  /**
   * Runs a job in a transaction, after those before it.
   *
   * @param isDurable it survives a power failure once this resolves, which costs SQLite an fsync. Servers see to it themselves.
   * @throws what the job or the database throws; the transaction is then rolled back.
   */
  transaction<T>(job: (transaction: Transaction) => Promise<T>, isDurable = false): Promise<T> {
    const { dataSource, target } = this.database;
    if (!isDurable || target.kind !== 'sqlite') return this.enqueue(() => dataSource.transaction(job));
    return this.enqueue(async () => {
      await dataSource.query('PRAGMA synchronous = FULL');
      const result = await dataSource.transaction(job);
      await dataSource.query('PRAGMA synchronous = NORMAL');
      return result;
    });
  }

  /** Runs one statement that needs no transaction, after the jobs before it. */
  query(sql: string, parameters: readonly unknown[]): Promise<unknown> {
    return this.enqueue(() => this.database.dataSource.query(sql, [...parameters]));
  }

  /** Waits for the jobs so far and closes the connections. */
  async close(): Promise<void> {
    await this.last;
    if (this.database.dataSource.isInitialized) await this.database.dataSource.destroy();
  }

  private enqueue<T>(job: () => Promise<T>): Promise<T> {
    const result = this.last.then(() => this.watched(job));
    this.last = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  private async watched<T>(job: () => Promise<T>): Promise<T> {
    try {
      if (this.mustReopen) await this.reopen();
      // A statement of SQLite runs to its end before anything else does: only a server can leave one hanging.
      const result = await (this.database.target.kind === 'sqlite' ? job() : this.inTime(job()));
      this.onSuccess();
      return result;
    } catch (error) {
      this.mustReopen = this.database.target.kind === 'sqlite';
      this.onFailure(error);
      throw error;
    }
  }

  /**
   * libsql leaves a statement that failed with SQLITE_BUSY unfinished, and no transaction of its connection can be committed from then on.
   * So after a failure the next job begins with a new connection.
   */
  private async reopen(): Promise<void> {
    const { dataSource } = this.database;
    if (dataSource.isInitialized) await dataSource.destroy();
    await dataSource.initialize();
    this.mustReopen = false;
  }

  private async inTime<T>(job: Promise<T>): Promise<T> {
    const timeoutMs = this.options.timeoutMs ?? DATABASE_WRITE_TIMEOUT_MS;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
      timer = setTimeout(() => reject(error), timeoutMs).unref();
    });
    try {
      return await Promise.race([job, late]);
    } finally {
      clearTimeout(timer);
      job.catch(() => undefined);
    }
  }

  private get title(): string {
    return `${this.options.what} (${this.databaseName})`;
  }

  private onFailure(error: unknown): void {
    if (this.downSince !== undefined) return;
    // A statement that the database understood and refused is about its values, not an outage.
    if (classifyDatabaseError(error) === 'DATABASE_FAILED') return;
    this.downSince = Date.now();
    this.options.logger.warn(`${this.title} cannot be written: ${reasonOf(error)}. ${this.options.whileDown}`);
  }

  private onSuccess(): void {
    if (this.downSince === undefined) return;
    const seconds = ((Date.now() - this.downSince) / 1000).toFixed(1);
    this.downSince = undefined;
    this.options.logger.log(`${this.title} can be written again after ${seconds} s.`);
    this.options.onBack?.();
  }
}
