import {
  bodyLengthPosition,
  MessageLayout,
  MessageSysFlag,
  storeTimestampPosition,
  topicLengthBytes,
  transactionType,
} from '@rocknest/protocol';
import { getInt64 } from './index-layout.js';
import type { KeyBatch } from './key-batch.js';
import { hashKeys, topicPrefixHash } from './key-hash.js';

/** Adds the keys of one record, as the index is to have them (IndexService.buildIndex). @returns false when its lengths make no sense. */
export function addRecordKeys(
  bytes: Buffer,
  view: DataView,
  at: number,
  sizeBytes: number,
  magic: number,
  physicalOffset: number,
  batch: KeyBatch,
): boolean {
  const end = at + sizeBytes;
  const sysFlag = view.getInt32(at + MessageLayout.SYS_FLAG);
  const lengthAt = at + bodyLengthPosition(sysFlag);
  const topicLengthSize = topicLengthBytes(magic);
  if (lengthAt + 4 + topicLengthSize + 2 > end) return false;
  const bodyLength = view.getInt32(lengthAt);
  const topicAt = lengthAt + 4 + bodyLength;
  if (bodyLength < 0 || topicAt + topicLengthSize + 2 > end) return false;
  const topicLength = topicLengthSize === 1 ? view.getInt8(topicAt) : view.getInt16(topicAt);
  const topicStart = topicAt + topicLengthSize;
  const topicEnd = topicStart + topicLength;
  if (topicLength < 0 || topicEnd + 2 > end) return false;
  if (topicEnd + 2 + view.getInt16(topicEnd) !== end) return false;
  if (transactionType(sysFlag) === MessageSysFlag.TRANSACTION_ROLLBACK_TYPE) return true;
  batch.startMessage(physicalOffset, getInt64(view, at + storeTimestampPosition(sysFlag)));
  hashKeys(bytes, topicEnd + 2, end, topicPrefixHash(bytes, topicStart, topicEnd), batch);
  return true;
}
