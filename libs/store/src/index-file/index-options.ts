import * as defaults from '../defaults.js';
import { StoreError } from '../errors.js';
import { indexFileBytes } from './index-layout.js';

/** Settings of the index by key; RocketMQ's names in brackets. */
export interface IndexOptions {
  /** [messageIndexEnable] Keep index files, so that messages can be found by key and unique id. @default true */
  readonly messageIndexEnable?: boolean;
  /** [maxHashSlotNum] Hash slots of one index file. @default 5,000,000 */
  readonly maxHashSlotNum?: number;
  /** [maxIndexNum] Entries of one index file. @default 20,000,000 */
  readonly maxIndexNum?: number;
  /** [maxMsgsNumBatch] Messages that one query by key returns at most. @default 64 */
  readonly maxMsgsNumBatch?: number;
}

export type IndexSettings = Required<IndexOptions>;

/** A file is addressed with 31 bits by RocketMQ. */
const MAX_FILE_BYTES = 0x7fff_ffff;

/** Fills in the defaults. Throws `STORE_OPTIONS` for values that cannot work. */
export function resolveIndex(options: IndexOptions): IndexSettings {
  const settings: IndexSettings = {
    messageIndexEnable: options.messageIndexEnable ?? true,
    maxHashSlotNum: options.maxHashSlotNum ?? defaults.MAX_HASH_SLOT_NUM,
    maxIndexNum: options.maxIndexNum ?? defaults.MAX_INDEX_NUM,
    maxMsgsNumBatch: options.maxMsgsNumBatch ?? defaults.MAX_MSGS_NUM_BATCH,
  };
  const { maxHashSlotNum, maxIndexNum, maxMsgsNumBatch } = settings;
  for (const [name, value, least] of [
    ['maxHashSlotNum', maxHashSlotNum, 1],
    ['maxIndexNum', maxIndexNum, 2],
    ['maxMsgsNumBatch', maxMsgsNumBatch, 1],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new StoreError('STORE_OPTIONS', `${name} is ${value}: a whole number of at least ${least} is needed`, {
      [name]: value,
    });
  }
  const sizeBytes = indexFileBytes({ slots: maxHashSlotNum, entries: maxIndexNum });
  if (sizeBytes > MAX_FILE_BYTES) {
    throw new StoreError(
      'STORE_OPTIONS',
      `maxHashSlotNum ${maxHashSlotNum} and maxIndexNum ${maxIndexNum} make index files of ${sizeBytes} bytes: ${MAX_FILE_BYTES} are possible`,
      { maxHashSlotNum, maxIndexNum, sizeBytes },
    );
  }
  return settings;
}
