import { ResponseCode, type SubscriptionGroupConfig, validateGroup } from '@rocknest/protocol';
import { MAX_QUEUES_PER_TOPIC } from '../defaults.js';
import { RequestRefusedError } from '../errors.js';
import { refuseOnSlave } from '../replication/broker-role.js';
import type { ConsumerOffsetManager, SubscriptionGroupManager } from '../metadata/index.js';

export interface GroupAdminOptions {
  readonly maxGroups: number;
  readonly isSlave: boolean;
  /** Called after a group was deleted. */
  readonly onDeleted?: (group: string) => void;
}

/**
 * Creates, changes and deletes subscription groups for administrators.
 *
 * Follows `updateAndCreateSubscriptionGroup` and `deleteSubscriptionGroup` of `broker/processor/AdminBrokerProcessor.java`.
 */
export class GroupAdmin {
  constructor(
    private readonly groups: SubscriptionGroupManager,
    private readonly offsets: ConsumerOffsetManager,
    private readonly options: GroupAdminOptions,
  ) {}

  /** @throws RequestRefusedError INVALID_PARAMETER; then none of the groups was changed. */
  async put(configs: readonly SubscriptionGroupConfig[]): Promise<void> {
    refuseOnSlave(this.options);
    for (const config of configs) this.check(config);
    const created = configs.filter(({ groupName }) => this.groups.get(groupName) === undefined).length;
    if (this.groups.all().size + created > this.options.maxGroups) {
      throw new RequestRefusedError(
        ResponseCode.SYSTEM_ERROR,
        `the broker has ${this.groups.all().size} subscription groups, at most ${this.options.maxGroups} are possible (maxSubscriptionGroups)`,
      );
    }
    for (const config of configs) await this.groups.put(config);
  }

  /** @param cleanOffset also forget where the group stands in each queue. */
  async delete(group: string, cleanOffset: boolean): Promise<void> {
    refuseOnSlave(this.options);
    await this.groups.delete(group);
    if (cleanOffset) this.offsets.deleteGroup(group);
    this.options.onDeleted?.(group);
  }

  private check(config: SubscriptionGroupConfig): void {
    const problem = validateGroup(config.groupName);
    if (problem !== undefined) throw invalid(problem);
    if (config.retryQueueNums < 0 || config.retryQueueNums > MAX_QUEUES_PER_TOPIC) {
      throw invalid(
        `group[${config.groupName}] cannot have ${config.retryQueueNums} retry queues: 0 to ${MAX_QUEUES_PER_TOPIC} are possible`,
      );
    }
    if (config.retryMaxTimes < -1) {
      throw invalid(`group[${config.groupName}] cannot have retryMaxTimes ${config.retryMaxTimes}: it is -1 or more`);
    }
  }
}

function invalid(remark: string): RequestRefusedError {
  return new RequestRefusedError(ResponseCode.INVALID_PARAMETER, remark);
}
