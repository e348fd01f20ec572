import { RocknestError } from '@rocknest/protocol';

export type MetadataErrorCode =
  | 'METADATA_UNAVAILABLE' // the database does not take the change now; nothing was changed
  | 'METADATA_BUSY' // too many changes wait already
  | 'METADATA_INVALID' // the change can never be stored
  | 'METADATA_LIMIT' // as much is held as the limit allows
  | 'METADATA_CLOSED';

const RETRIABLE: ReadonlySet<MetadataErrorCode> = new Set(['METADATA_UNAVAILABLE', 'METADATA_BUSY']);

/** A change of topics, groups or offsets was refused. Memory and database are as before. */
export class MetadataError extends RocknestError {
  declare readonly code: MetadataErrorCode;

  constructor(code: MetadataErrorCode, message: string, details?: Record<string, unknown>, cause?: unknown) {
    super(code, message, { retriable: RETRIABLE.has(code), ...(details && { details }), cause });
  }
}
