import type { SubscriptionGroupConfig } from '@rocknest/protocol';
import { ResponseCode, validateGroup } from '@rocknest/protocol';
import { RequestRefusedError } from '../errors.js';
import type { SubscriptionGroupManager } from '../metadata/index.js';

export interface GroupDirectoryOptions {
  readonly autoCreateSubscriptionGroup: boolean;
  /** Subscription groups that exist at most; past it none is created by itself. */
  readonly maxGroups: number;
}

/**
 * Subscription groups by name, created on first use where that is allowed. Requests that need the same group at the same time share one creation.
 *
 * Follows `findSubscriptionGroupConfig` of `broker/subscription/SubscriptionGroupManager.java`.
 */
export class GroupDirectory {
  private readonly underWay = new Map<string, Promise<SubscriptionGroupConfig>>();

  constructor(
    private readonly groups: SubscriptionGroupManager,
    private readonly options: GroupDirectoryOptions,
  ) {}

  /** A group that exists already, without waiting. */
  known(group: string): SubscriptionGroupConfig | undefined {
    return this.groups.get(group);
  }

  /**
   * @returns the group, created if need be; undefined when it does not exist and may not be created (switched off, or an illegal name).
   * @throws RequestRefusedError SYSTEM_BUSY when there are `maxGroups` groups.
   */
  async find(group: string): Promise<SubscriptionGroupConfig | undefined> {
    const known = this.groups.get(group);
    if (known !== undefined) return known;
    if (!this.options.autoCreateSubscriptionGroup || validateGroup(group) !== undefined) return undefined;
    if (this.groups.all().size >= this.options.maxGroups) {
      throw new RequestRefusedError(
        ResponseCode.SYSTEM_BUSY,
        `subscription group ${group} cannot be created: the broker has ${this.groups.all().size} groups, which is its limit (maxSubscriptionGroups)`,
      );
    }
    let creation = this.underWay.get(group);
    if (creation === undefined) {
      creation = this.groups.autoCreate(group).finally(() => this.underWay.delete(group));
      this.underWay.set(group, creation);
    }
    return creation;
  }
}
