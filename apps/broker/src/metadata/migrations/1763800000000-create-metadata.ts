import { Table, type MigrationInterface, type QueryRunner, type TableColumnOptions } from '@rocknest/config';

/**
 * The first form of the metadata tables. Written out rather than derived from the entities: a migration stays as it is when they change.
 */
export class CreateMetadata1763800000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const columns = columnsFor(queryRunner.dataSource.options.type);
    const { name, integer, int64, flag, json } = columns;
    await queryRunner.createTable(
      new Table({
        name: 'rocknest_topic_config',
        columns: [
          name('broker_key'),
          name('topic_name'),
          integer('read_queue_nums'),
          integer('write_queue_nums'),
          integer('perm'),
          { name: 'topic_filter_type', type: 'varchar', length: '32' },
          integer('topic_sys_flag'),
          flag('is_order'),
          json('attributes'),
        ],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'rocknest_subscription_group',
        columns: [
          name('broker_key'),
          name('group_name'),
          flag('consume_enable'),
          flag('consume_from_min_enable'),
          flag('consume_broadcast_enable'),
          flag('consume_message_orderly'),
          integer('retry_queue_nums'),
          integer('retry_max_times'),
          json('group_retry_policy'),
          int64('broker_id'),
          int64('which_broker_when_consume_slowly'),
          flag('notify_consumer_ids_changed_enable'),
          integer('group_sys_flag'),
          integer('consume_timeout_minute'),
          json('subscription_data_set'),
          json('attributes'),
        ],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'rocknest_consumer_offset',
        columns: [
          name('broker_key'),
          name('group_name'),
          name('topic_name'),
          { ...integer('queue_id'), isPrimary: true },
          int64('queue_offset'),
        ],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'rocknest_delay_offset',
        columns: [name('broker_key'), { ...integer('delay_level'), isPrimary: true }, int64('queue_offset')],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'rocknest_data_version',
        columns: [
          name('broker_key'),
          { name: 'table_kind', type: 'varchar', length: '32', isPrimary: true },
          int64('state_version'),
          int64('changed_at'),
          int64('change_counter'),
        ],
      }),
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['data_version', 'delay_offset', 'consumer_offset', 'subscription_group', 'topic_config']) {
      await queryRunner.dropTable(`rocknest_${table}`);
    }
  }
}

interface Columns {
  /** Part of the primary key. */
  name(column: string): TableColumnOptions;
  integer(column: string): TableColumnOptions;
  int64(column: string): TableColumnOptions;
  flag(column: string): TableColumnOptions;
  json(column: string): TableColumnOptions;
}

/** What the databases call the same thing. */
function columnsFor(database: string): Columns {
  const mysql = database === 'mysql' || database === 'mariadb';
  // Names differ in letter case: MySQL's default collation would take `Orders` and `orders` for one topic.
  const collation = mysql ? { charset: 'utf8mb4', collation: 'utf8mb4_bin' } : {};
  return {
    name: (column) => ({ name: column, type: 'varchar', length: '255', isPrimary: true, ...collation }),
    integer: (column) => ({ name: column, type: mysql ? 'int' : 'integer' }),
    int64: (column) => ({ name: column, type: 'bigint' }),
    flag: (column) => ({ name: column, type: mysql ? 'tinyint' : 'boolean' }),
    json: (column) => ({ name: column, type: 'text' }),
  };
}
