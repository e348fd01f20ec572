/**
 * The parts of TypeORM that Rocknest uses. They come from their own files, because the package's index loads every decorator
 * and driver option besides, which costs 40 ms and 6 MB at each start of a broker.
 */
export { DataSource } from 'typeorm/data-source/DataSource.js';
export { EntitySchema } from 'typeorm/entity-schema/EntitySchema.js';
export { Table } from 'typeorm/schema-builder/table/Table.js';
export type { DataSourceOptions, MigrationInterface, QueryRunner, TableColumnOptions, ValueTransformer } from 'typeorm';
