import { ResponseCode, type SubscriptionGroupConfig } from '@rocknest/protocol';
import type { GetResult, GetStatus } from '@rocknest/store';

export interface PullReplicasOptions {
  readonly isSlave: boolean;
  /** Read at each use: it may change at run time. */
  readonly slaveReadEnable: () => boolean;
  readonly offsetCheckInSlave: () => boolean;
  /** Whether the master has a slave that could be read from. */
  readonly hasSlaves: () => boolean;
}

/** A slave lacks what its master has, so these say nothing about the queue itself. */
const AHEAD: ReadonlySet<GetStatus> = new Set([
  'OFFSET_OVERFLOW_BADLY',
  'NO_MATCHED_LOGIC_QUEUE',
  'NO_MESSAGE_IN_QUEUE',
]);

/**
 * What the brokers of a group have to do with a pull: which of them a consumer shall ask next, and how a slave answers for offsets that it does not have.
 *
 * Follows `composeResponseHeader` of `broker/processor/PullMessageProcessor.java` and `DefaultPullMessageResultHandler.java`.
 */
export class PullReplicas {
  constructor(private readonly options: PullReplicasOptions) {}

  get isSlave(): boolean {
    return this.options.isSlave;
  }

  /** False: consumers are sent to the master, whatever they ask. */
  get serves(): boolean {
    return !this.options.isSlave || this.options.slaveReadEnable();
  }

  /** The broker id that the consumer shall pull from next. */
  suggestedBroker(group: SubscriptionGroupConfig, { suggestPullingFromSlave }: GetResult): number {
    if (!suggestPullingFromSlave || !this.options.slaveReadEnable()) return group.brokerId;
    return this.options.isSlave || this.options.hasSlaves() ? group.whichBrokerWhenConsumeSlowly : group.brokerId;
  }

  /** The offset that a slave does not have stays as the consumer said: the master knows better. */
  keepsOffset(status: GetStatus): boolean {
    if (!this.options.isSlave || this.options.offsetCheckInSlave()) return false;
    return status === 'OFFSET_TOO_SMALL' || AHEAD.has(status);
  }

  /**
   * What a slave says instead of "your offset is wrong": nothing yet, for what may still come from the master (RocketMQ lets the consumer ask again at
   * once, over and over), or "ask the master" for what it never had.
   */
  responseCode(code: number, status: GetStatus): number {
    if (code !== ResponseCode.PULL_OFFSET_MOVED || !this.keepsOffset(status)) return code;
    return AHEAD.has(status) ? ResponseCode.PULL_NOT_FOUND : ResponseCode.PULL_RETRY_IMMEDIATELY;
  }
}
