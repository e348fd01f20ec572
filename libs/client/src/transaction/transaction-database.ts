/** What this package needs of TypeORM's `EntityManager`. */
export interface TransactionManager {
  insert(entity: string, row: Record<string, unknown>): Promise<unknown>;
  findOneBy(entity: string, where: Record<string, unknown>): Promise<object | null>;
  find(
    entity: string,
    options: { select: Record<string, true>; order: Record<string, 'ASC'>; take: number },
  ): Promise<object[]>;
  delete(entity: string, ids: string[]): Promise<unknown>;
}

/** What this package needs of TypeORM's `DataSource`: every version from 0.3 on fits. */
export interface TransactionDataSource {
  transaction<T>(run: (manager: object) => Promise<T>): Promise<T>;
  readonly manager: unknown;
  readonly options: { readonly type: string };
}

/** Settings of `inTransaction`. */
export interface TransactionOptions {
  /** The application's TypeORM `DataSource`, with the entity of `transactionOutcomeSchema`. */
  dataSource: TransactionDataSource;
  /**
   * How long a transaction may take, in ms. One that is asked about, is older and has no outcome is rolled back for good: should it still run, its
   * commit fails.
   * @default 60_000
   */
  maxTransactionMs?: number;
  /**
   * How long outcomes are kept, in ms: longer than the broker may ask about a transaction (`fileReservedTime`, 72 hours).
   * @default 345_600_000 (4 days)
   */
  outcomeRetentionMs?: number;
}
