import { ResponseCode } from '@rocknest/protocol';
import type { GetStatus } from '@rocknest/store';

/**
 * The response code of what the store found.
 *
 * Follows `composeResponseHeader` of `broker/processor/PullMessageProcessor.java`.
 *
 * @param queueOffset what the pull asked for: an empty queue is "nothing yet" at offset 0 and "you are wrong" elsewhere.
 */
export function pullResponseCode(status: GetStatus, queueOffset: number): number {
  switch (status) {
    case 'FOUND':
      return ResponseCode.SUCCESS;
    case 'MESSAGE_WAS_REMOVING':
    case 'NO_MATCHED_MESSAGE':
      return ResponseCode.PULL_RETRY_IMMEDIATELY;
    case 'NO_MATCHED_LOGIC_QUEUE':
    case 'NO_MESSAGE_IN_QUEUE':
      return queueOffset === 0 ? ResponseCode.PULL_NOT_FOUND : ResponseCode.PULL_OFFSET_MOVED;
    case 'OFFSET_FOUND_NULL':
    case 'OFFSET_OVERFLOW_ONE':
      return ResponseCode.PULL_NOT_FOUND;
    case 'OFFSET_OVERFLOW_BADLY':
    case 'OFFSET_RESET':
    case 'OFFSET_TOO_SMALL':
      return ResponseCode.PULL_OFFSET_MOVED;
  }
}
