import { RocknestError } from '@rocknest/protocol';

export type ExchangeErrorCode =
  | 'EXCHANGE_CONFIG_UNREADABLE' // a file of config/ makes no sense, and its .bak does not help
  | 'EXCHANGE_ROCKSDB_CONFIG' // topics, groups and offsets are in RocksDB
  | 'EXCHANGE_NO_CONFIG' // there is nothing to import
  | 'EXCHANGE_NO_METADATA' // there is nothing to export
  | 'EXCHANGE_WHICH_BROKER' // the database holds several brokers
  | 'EXCHANGE_FILE_EXISTS' // an export would overwrite files
  | 'EXCHANGE_NOT_EMPTY'; // an import would overwrite what the database has

/** Why metadata cannot be moved between Rocknest and Apache RocketMQ. The message alone is fit for an operator. */
export class ExchangeError extends RocknestError {
  declare readonly code: ExchangeErrorCode;

  constructor(code: ExchangeErrorCode, message: string, details: Record<string, unknown> = {}, cause?: unknown) {
    super(code, message, { details, cause });
    this.name = 'ExchangeError';
  }
}
