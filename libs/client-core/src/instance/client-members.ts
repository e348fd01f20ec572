import type {
  CheckTransactionStateRequest,
  ConsumeMessageDirectlyResult,
  ConsumerData,
  ConsumerRunningInfo,
  MessageExt,
  MessageQueue,
  RemotingCommand,
} from '@rocknest/protocol';

/** Whether there is a connection to a broker. */
export type ConnectionStatus = 'connected' | 'disconnected';

/** A consumer as its client instance sees it (RocketMQ: `impl/consumer/MQConsumerInner.java`). */
export interface InstanceConsumer {
  readonly group: string;
  /** A connection to a broker was opened or closed. */
  connectionChanged(status: ConnectionStatus, address: string): void;
  /** Its part of the heartbeat. */
  heartbeatData(): ConsumerData;
  /** Members of the group changed: share the queues out anew, at once. */
  rebalanceSoon(): void;
  /** The route of a topic changed. */
  routeChanged(topic: string): void;
  /** RESET_CONSUMER_CLIENT_OFFSET: an administrator moved these offsets. */
  resetOffsets(topic: string, offsets: readonly (readonly [MessageQueue, number])[]): Promise<void>;
  /** GET_CONSUMER_STATUS_FROM_CLIENT. */
  consumerStatus(topic: string): [MessageQueue, number][];
  /** GET_CONSUMER_RUNNING_INFO. */
  runningInfo(): ConsumerRunningInfo;
  /** CONSUME_MESSAGE_DIRECTLY. */
  consumeDirectly(message: MessageExt, brokerName: string | undefined): Promise<ConsumeMessageDirectlyResult>;
}

/** A producer as its client instance sees it. */
export interface InstanceProducer {
  readonly group: string;
  connectionChanged(status: ConnectionStatus, address: string): void;
  /** CHECK_TRANSACTION_STATE: what became of this transaction? `answer` brings the END_TRANSACTION back to who asks. */
  checkTransactionState?(
    message: MessageExt,
    header: CheckTransactionStateRequest,
    answer: (command: RemotingCommand) => void,
  ): void;
  /** PUSH_REPLY_MESSAGE_TO_CLIENT. @returns false when this producer did not ask, or waits no more. */
  replyArrived?(reply: MessageExt): boolean;
}
