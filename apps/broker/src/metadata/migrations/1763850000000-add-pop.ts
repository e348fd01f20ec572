import { Table, type MigrationInterface, type QueryRunner, type TableColumnOptions } from '@rocknest/config';

/** What POP consumption keeps: how groups get their messages, and the state of queues that are popped in order. */
export class AddPop1763850000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const database = queryRunner.dataSource.options.type;
    const mysql = database === 'mysql' || database === 'mariadb';
    // Names differ in letter case: MySQL's default collation would take `Orders` and `orders` for one topic.
    const collation = mysql ? { charset: 'utf8mb4', collation: 'utf8mb4_bin' } : {};
    const name = (column: string): TableColumnOptions => ({
      name: column,
      type: 'varchar',
      length: '255',
      isPrimary: true,
      ...collation,
    });
    const integer = (column: string): TableColumnOptions => ({ name: column, type: mysql ? 'int' : 'integer' });
    await queryRunner.createTable(
      new Table({
        name: 'rocknest_message_request_mode',
        columns: [
          name('broker_key'),
          name('group_name'),
          name('topic_name'),
          { name: 'request_mode', type: 'varchar', length: '32' },
          integer('pop_share_queue_num'),
        ],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'rocknest_consumer_order_info',
        columns: [
          name('broker_key'),
          name('group_name'),
          name('topic_name'),
          { ...integer('queue_id'), isPrimary: true },
          { name: 'order_info', type: 'text' },
        ],
      }),
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('rocknest_consumer_order_info');
    await queryRunner.dropTable('rocknest_message_request_mode');
  }
}
