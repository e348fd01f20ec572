import type {
  ConsumeFromWhere,
  ConsumeMessageDirectlyResult,
  ConsumerData,
  ConsumerRunningInfo,
  MessageQueue,
} from '@rocknest/protocol';
import type { ConnectionStatus, InstanceConsumer } from '../../instance/client-members.js';
import type { Subscriptions } from '../subscriptions.js';

/** A `PopConsumer` as its client instance and the brokers see it: a member of its group that holds no queue and has no listener. */
export class PopMember implements InstanceConsumer {
  private readonly startedMs = Date.now();

  constructor(
    readonly group: string,
    private readonly consumeFromWhere: ConsumeFromWhere,
    private readonly subscriptions: Subscriptions,
    private readonly onStatus: ((status: ConnectionStatus, address: string) => void) | undefined,
  ) {}

  connectionChanged(status: ConnectionStatus, address: string): void {
    this.onStatus?.(status, address);
  }

  heartbeatData(): ConsumerData {
    return {
      groupName: this.group,
      consumeType: 'CONSUME_POP',
      messageModel: 'CLUSTERING',
      consumeFromWhere: this.consumeFromWhere,
      subscriptionDataSet: this.subscriptions.all,
      unitMode: false,
    };
  }

  rebalanceSoon(): void {}

  routeChanged(): void {}

  /** Brokers move the offsets of pops by themselves. */
  async resetOffsets(): Promise<void> {}

  consumerStatus(): [MessageQueue, number][] {
    return [];
  }

  runningInfo(): ConsumerRunningInfo {
    return {
      properties: {
        PROP_CLIENT_VERSION: 'rocknest',
        PROP_CONSUME_TYPE: 'CONSUME_POP',
        PROP_CONSUMEORDERLY: 'false',
        PROP_CONSUMER_START_TIMESTAMP: String(this.startedMs),
        consumerGroup: this.group,
      },
      subscriptionSet: this.subscriptions.all,
      mqTable: [],
      statusTable: {},
      userConsumerInfo: {},
    };
  }

  async consumeDirectly(): Promise<ConsumeMessageDirectlyResult> {
    return {
      consumeResult: 'CR_THROW_EXCEPTION',
      remark: `group ${this.group} pops messages itself and has no listener`,
      spentTimeMills: 0,
      order: false,
      autoCommit: true,
    };
  }
}
