/** The name of the entity, and of its table: `rocknest_transaction`. */
export const OUTCOME_ENTITY = 'RocknestTransaction';
const OUTCOME_TABLE = 'rocknest_transaction';
const ID_LENGTH = 64;
const OUTCOME_LENGTH = 16;

/** A row: what became of one transaction. */
export interface OutcomeRow {
  /** UNIQ_KEY of the message. */
  id: string;
  outcome: 'COMMITTED' | 'ROLLED_BACK';
  /** ms since 1970. Some databases give an int64 as text. */
  createdAt: number | string;
}

/**
 * The table of outcomes in the application's database, for TypeORM: `entities: [..., new EntitySchema(transactionOutcomeSchema)]`. This package
 * itself imports no TypeORM (docs/decisions/0012-outcomes-in-the-users-database.md).
 */
export const transactionOutcomeSchema = {
  name: OUTCOME_ENTITY,
  tableName: OUTCOME_TABLE,
  columns: {
    id: { type: 'varchar' as const, length: ID_LENGTH, primary: true },
    outcome: { type: 'varchar' as const, length: OUTCOME_LENGTH },
    createdAt: { type: 'bigint' as const, name: 'created_at' },
  },
  indices: [{ name: 'idx_rocknest_transaction_created_at', columns: ['createdAt'] }],
};

/** What the helpers for migrations need of TypeORM's `QueryRunner`. */
export interface OutcomeQueryRunner {
  query(sql: string): Promise<unknown>;
}

/** For `up()` of a migration of the application: makes the table, on SQLite, Postgres, MySQL and MariaDB. */
export async function createTransactionOutcomeTable(queryRunner: OutcomeQueryRunner): Promise<void> {
  await queryRunner.query(
    `CREATE TABLE ${OUTCOME_TABLE} (id varchar(${ID_LENGTH}) NOT NULL PRIMARY KEY, outcome varchar(${OUTCOME_LENGTH}) NOT NULL, created_at bigint NOT NULL)`,
  );
  await queryRunner.query(`CREATE INDEX idx_rocknest_transaction_created_at ON ${OUTCOME_TABLE} (created_at)`);
}

/** For `down()`. */
export async function dropTransactionOutcomeTable(queryRunner: OutcomeQueryRunner): Promise<void> {
  await queryRunner.query(`DROP TABLE ${OUTCOME_TABLE}`);
}
