import { ProtocolError } from '../errors.js';

/** Bits of a record's SYSFLAG. Follows `common/sysflag/MessageSysFlag.java`. */
export const MessageSysFlag = {
  COMPRESSED_FLAG: 0x1,
  MULTI_TAGS_FLAG: 0x2,
  TRANSACTION_NOT_TYPE: 0,
  TRANSACTION_PREPARED_TYPE: 0x4,
  TRANSACTION_COMMIT_TYPE: 0x8,
  TRANSACTION_ROLLBACK_TYPE: 0xc,
  TRANSACTION_MASK: 0xc,
  BORNHOST_V6_FLAG: 0x10,
  STOREHOSTADDRESS_V6_FLAG: 0x20,
  NEED_UNWRAP_FLAG: 0x40,
  INNER_BATCH_FLAG: 0x80,
  COMPRESSION_LZ4_TYPE: 0x100,
  COMPRESSION_ZSTD_TYPE: 0x200,
  COMPRESSION_ZLIB_TYPE: 0x300,
  COMPRESSION_TYPE_MASK: 0x700,
} as const;

export type CompressionType = 'LZ4' | 'ZSTD' | 'ZLIB';

export function isCompressed(sysFlag: number): boolean {
  return (sysFlag & MessageSysFlag.COMPRESSED_FLAG) !== 0;
}

/** One of the TRANSACTION_* values. */
export function transactionType(sysFlag: number): number {
  return sysFlag & MessageSysFlag.TRANSACTION_MASK;
}

/**
 * How a compressed body was compressed; no type bits mean ZLIB (clients before 4.9).
 * @throws ProtocolError PROTOCOL_MESSAGE for type values RocketMQ doesn't know
 */
export function compressionType(sysFlag: number): CompressionType {
  switch (sysFlag & MessageSysFlag.COMPRESSION_TYPE_MASK) {
    case 0:
    case MessageSysFlag.COMPRESSION_ZLIB_TYPE:
      return 'ZLIB';
    case MessageSysFlag.COMPRESSION_LZ4_TYPE:
      return 'LZ4';
    case MessageSysFlag.COMPRESSION_ZSTD_TYPE:
      return 'ZSTD';
    default:
      throw new ProtocolError(
        'PROTOCOL_MESSAGE',
        `A message has the unknown compression type bits ${sysFlag & 0x700}`,
        { sysFlag },
      );
  }
}

/** Bits of a pull request's sysFlag. Follows `common/sysflag/PullSysFlag.java`. */
export const PullSysFlag = {
  COMMIT_OFFSET: 0x1,
  SUSPEND: 0x2,
  SUBSCRIPTION: 0x4,
  CLASS_FILTER: 0x8,
  LITE_PULL_MESSAGE: 0x10,
} as const;

export function buildPullSysFlag(options: {
  commitOffset: boolean;
  suspend: boolean;
  subscription: boolean;
  classFilter?: boolean;
  litePull?: boolean;
}): number {
  return (
    (options.commitOffset ? PullSysFlag.COMMIT_OFFSET : 0) |
    (options.suspend ? PullSysFlag.SUSPEND : 0) |
    (options.subscription ? PullSysFlag.SUBSCRIPTION : 0) |
    (options.classFilter === true ? PullSysFlag.CLASS_FILTER : 0) |
    (options.litePull === true ? PullSysFlag.LITE_PULL_MESSAGE : 0)
  );
}

/** Bits of a topic's `topicSysFlag`. Follows `common/sysflag/TopicSysFlag.java`. */
export const TopicSysFlag = { UNIT: 0x1, UNIT_SUB: 0x2 } as const;
