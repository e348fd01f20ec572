import type { MessageQueue } from '@rocknest/protocol';

/** How a message that the broker has taken stands (RocketMQ: `client/producer/SendStatus.java`). Each of them is a successful send. */
export type SendStatus = 'SEND_OK' | 'FLUSH_DISK_TIMEOUT' | 'FLUSH_SLAVE_TIMEOUT' | 'SLAVE_NOT_AVAILABLE';

/** The answer to a send (RocketMQ: `client/producer/SendResult.java`). */
export interface SendResult {
  status: SendStatus;
  /** UNIQ_KEY of the message; those of a batch joined by commas. */
  msgId: string;
  /** Where the broker put it: address and physical offset; for `MQAdmin.viewMessage`. */
  offsetMsgId: string;
  messageQueue: MessageQueue;
  /** Offset in the queue; for a batch that of the first message. */
  queueOffset: number;
  transactionId?: string;
  /** Of a timer message, from brokers since 5.3.2: what `recallMessage` takes. */
  recallHandle?: string;
  regionId?: string;
}
