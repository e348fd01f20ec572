import { ResponseCode } from '@rocknest/protocol';
import type { PutStatus } from '@rocknest/store';

/** Response code and remark for a message that was not stored as asked. */
export interface PutRefusal {
  readonly code: number;
  readonly remark: string;
}

/** Statuses with which the message is stored; the sender gets its offsets with each of them. */
const STORED: Readonly<Partial<Record<PutStatus, number>>> = {
  PUT_OK: ResponseCode.SUCCESS,
  FLUSH_DISK_TIMEOUT: ResponseCode.FLUSH_DISK_TIMEOUT,
  FLUSH_SLAVE_TIMEOUT: ResponseCode.FLUSH_SLAVE_TIMEOUT,
  SLAVE_NOT_AVAILABLE: ResponseCode.SLAVE_NOT_AVAILABLE,
};

/** The code of a stored message, undefined when it was not stored. */
export function storedCode(status: PutStatus): number | undefined {
  return STORED[status];
}

/**
 * The answer to a put that the store refused.
 *
 * Follows `handlePutMessageResult` of `broker/processor/SendMessageProcessor.java`.
 */
export function putRefusal(status: PutStatus, reason: string | undefined, maxMessageSizeBytes: number): PutRefusal {
  switch (status) {
    case 'CREATE_MAPPED_FILE_FAILED':
      return refusal(ResponseCode.SYSTEM_ERROR, 'create mapped file failed, server is busy or broken.', reason);
    case 'MESSAGE_ILLEGAL':
    case 'PROPERTIES_SIZE_EXCEEDED':
      return refusal(
        ResponseCode.MESSAGE_ILLEGAL,
        `the message is illegal, maybe msg body or properties length not matched. msg body length limit ${maxMessageSizeBytes}B, msg properties length limit 32KB.`,
        reason,
      );
    case 'SERVICE_NOT_AVAILABLE':
      return refusal(
        ResponseCode.SERVICE_NOT_AVAILABLE,
        "service not available now. It may be caused by one of the following reasons: the broker's disk is full, the message store has been shut down, etc.",
        reason,
      );
    case 'OS_PAGE_CACHE_BUSY':
      return refusal(ResponseCode.SYSTEM_BUSY, '[PC_SYNCHRONIZED]broker busy, start flow control for a while', reason);
    default:
      return refusal(ResponseCode.SYSTEM_ERROR, status, reason);
  }
}

function refusal(code: number, text: string, reason: string | undefined): PutRefusal {
  return { code, remark: reason === undefined ? text : `${text} (${reason})` };
}
