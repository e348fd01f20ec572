/** RocketMQ's limits on what one pull returns (MessageStoreConfig.java). */
export interface TransferLimits {
  readonly maxCountInMemory: number;
  readonly maxBytesInMemory: number;
  readonly maxCountOnDisk: number;
  readonly maxBytesOnDisk: number;
}

/**
 * True when one more message of `sizeBytes` is too many (RocketMQ's DefaultMessageStore.isTheBatchFull). The first message is
 * always taken, whatever its size.
 */
export function isBatchFull(
  limits: TransferLimits,
  request: { maxMessages: number; maxBytes: number },
  takenCount: number,
  takenBytes: number,
  sizeBytes: number,
  isInMemory: boolean,
): boolean {
  if (takenBytes === 0 || takenCount === 0) return false;
  const bytes = takenBytes + sizeBytes;
  if (takenCount + 1 > request.maxMessages || bytes > request.maxBytes) return true;
  if (isInMemory) return bytes > limits.maxBytesInMemory || takenCount >= limits.maxCountInMemory;
  return bytes > limits.maxBytesOnDisk || takenCount >= limits.maxCountOnDisk;
}
