import { RocknestError } from '@rocknest/protocol';

/** The codes of the store's errors: stable, for programs; `docs/internals/store.md` says what to do about each. */
export type StoreErrorCode =
  | 'STORE_LOCKED'
  | 'STORE_NOT_WRITABLE'
  | 'STORE_SEGMENT_SIZE'
  | 'STORE_SEGMENT_MISSING'
  | 'STORE_LOG_DAMAGED'
  | 'STORE_LOG_MISSING'
  | 'STORE_NOT_FOUND'
  | 'STORE_OPTIONS'
  | 'STORE_NOT_OPEN'
  | 'STORE_BUSY'
  | 'STORE_QUEUE_TABLE'
  | 'STORE_FOREIGN_LAYOUT'
  | 'STORE_REPLICA_GAP'
  | 'STORE_REPLICA_DAMAGED'
  | 'STORE_EPOCHS'
  | 'STORE_LOG_CUT'
  | 'STORE_IO';

/** What keeps a store from opening or from going on. The message alone is fit for an operator. */
export class StoreError extends RocknestError {
  constructor(
    code: StoreErrorCode,
    message: string,
    details: Record<string, unknown> = {},
    options: { cause?: unknown; retriable?: boolean } = {},
  ) {
    super(code, message, { details, ...options });
    this.name = 'StoreError';
  }
}
