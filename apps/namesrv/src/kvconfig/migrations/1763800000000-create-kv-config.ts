import { Table, type MigrationInterface, type QueryRunner } from '@rocknest/config';

/** The first form of the table of the KV configuration. */
export class CreateKvConfig1763800000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const { type } = queryRunner.dataSource.options;
    // MySQL's default collation takes names that differ in letter case for one.
    const exact = type === 'mysql' || type === 'mariadb' ? { charset: 'utf8mb4', collation: 'utf8mb4_bin' } : {};
    await queryRunner.createTable(
      new Table({
        name: 'rocknest_kv_config',
        columns: [
          { name: 'namespace', type: 'varchar', length: '255', isPrimary: true, ...exact },
          { name: 'config_key', type: 'varchar', length: '255', isPrimary: true, ...exact },
          { name: 'config_value', type: 'text', ...exact },
        ],
      }),
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('rocknest_kv_config');
  }
}
