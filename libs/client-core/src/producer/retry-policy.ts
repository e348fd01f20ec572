import { ResponseCode } from '@rocknest/protocol';
import type { SendStatus } from './send-result.js';

/** Broker answers after which another broker may do better (`DefaultMQProducer.retryResponseCodes`, as of 5.3.1, and FLOW_CONTROL). */
export const RETRY_RESPONSE_CODES: ReadonlySet<number> = new Set([
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.NO_PERMISSION,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.GO_AWAY,
  ResponseCode.FLOW_CONTROL,
]);

/** Broker answers that ask for a pause: the message was not stored, and the same broker takes it a little later. */
export const FLOW_CONTROL_CODES: ReadonlySet<number> = new Set([ResponseCode.SYSTEM_BUSY, ResponseCode.FLOW_CONTROL]);

/** Answers of a broker that is no master (any more): slaves, and masters that may not write. */
export const NO_MASTER_CODES: ReadonlySet<number> = new Set([ResponseCode.SERVICE_NOT_AVAILABLE]);

/** What a response code says about a message that the broker has taken, or undefined when it has not. */
export function sendStatusOf(responseCode: number): SendStatus | undefined {
  switch (responseCode) {
    case ResponseCode.SUCCESS:
      return 'SEND_OK';
    case ResponseCode.FLUSH_DISK_TIMEOUT:
      return 'FLUSH_DISK_TIMEOUT';
    case ResponseCode.FLUSH_SLAVE_TIMEOUT:
      return 'FLUSH_SLAVE_TIMEOUT';
    case ResponseCode.SLAVE_NOT_AVAILABLE:
      return 'SLAVE_NOT_AVAILABLE';
    default:
      return undefined;
  }
}

/** ms to wait before the same broker is tried again: none at once would only hit the same trouble. */
export const SAME_BROKER_RETRY_DELAY_MS = 100;
