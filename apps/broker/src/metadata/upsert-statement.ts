import type { DatabaseKind } from '@rocknest/config';

/**
 * Builds upserts of many rows. TypeORM's own builder takes 10 ms of the event loop for 500 rows, five times as much as the database, so
 * the statement for the rows that are written every few seconds is put together here.
 */
export class UpsertStatement {
  private readonly columns: readonly string[];

  constructor(
    private readonly database: DatabaseKind,
    private readonly table: string,
    private readonly keyColumns: readonly string[],
    private readonly valueColumns: readonly string[],
  ) {
    this.columns = [...keyColumns, ...valueColumns];
  }

  /** The statement for so many rows; its parameters are the values of all rows, one row after the other, keys first. */
  sql(rows: number): string {
    const width = this.columns.length;
    const tuples = Array.from({ length: rows }, (_, row) => `(${this.placeholders(row * width, width)})`);
    return `INSERT INTO ${this.table} (${this.columns.join(', ')}) VALUES ${tuples.join(', ')} ${this.onConflict()}`;
  }

  private placeholders(first: number, count: number): string {
    const postgres = this.database === 'postgres';
    return Array.from({ length: count }, (_, index) => (postgres ? `$${first + index + 1}` : '?')).join(', ');
  }

  private onConflict(): string {
    if (this.database === 'mysql' || this.database === 'mariadb') {
      const assignments = this.valueColumns.map((column) => `${column} = VALUES(${column})`);
      return `ON DUPLICATE KEY UPDATE ${assignments.join(', ')}`;
    }
    const assignments = this.valueColumns.map((column) => `${column} = excluded.${column}`);
    return `ON CONFLICT (${this.keyColumns.join(', ')}) DO UPDATE SET ${assignments.join(', ')}`;
  }
}
