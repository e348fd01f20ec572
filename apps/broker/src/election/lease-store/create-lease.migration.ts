import { Table, type MigrationInterface, type QueryRunner, type TableColumnOptions } from '@rocknest/config';

/** The table of the leases: one row for each broker group. */
export class CreateLease1764000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const database = queryRunner.dataSource.options.type;
    const mysql = database === 'mysql' || database === 'mariadb';
    // Names differ in letter case: MySQL's default collation would take `Orders` and `orders` for one group.
    const collation = mysql ? { charset: 'utf8mb4', collation: 'utf8mb4_bin' } : {};
    const text = (name: string, length: number): TableColumnOptions => ({
      name,
      type: 'varchar',
      length: String(length),
      ...collation,
    });
    const int64 = (name: string): TableColumnOptions => ({ name, type: 'bigint' });
    await queryRunner.createTable(
      new Table({
        name: 'rocknest_lease',
        columns: [
          { ...text('group_name', 255), isPrimary: true },
          int64('epoch'),
          int64('holder_id'),
          text('holder_token', 64),
          text('broker_address', 255),
          text('ha_address', 255),
          text('in_sync_ids', 2_000),
          int64('set_version'),
          int64('expires_at_ms'),
        ],
      }),
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('rocknest_lease');
  }
}
