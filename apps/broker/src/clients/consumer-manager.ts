import type { SubscriptionData } from '@rocknest/protocol';
import { ResponseCode } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import type { Clock } from '../clock.js';
import { RequestRefusedError } from '../errors.js';
import type { ClientChannelInfo } from './client-channel-info.js';
import { ConsumerGroupInfo, type ConsumeTraits } from './consumer-group-info.js';
import type { Subscription } from './subscription.js';

export interface ConsumerManagerOptions {
  /** Groups online at most. */
  readonly maxGroups: number;
  /** Without a heartbeat for this long a member is dropped, in milliseconds. */
  readonly channelExpiredTimeoutMs: number;
  readonly clock: Clock;
}

/** One group of a heartbeat. `subscriptions` is undefined when the heartbeat comes without them (V2, nothing changed). */
export interface ConsumerRegistration {
  readonly groupName: string;
  readonly traits: ConsumeTraits;
  readonly subscriptions: readonly SubscriptionData[] | undefined;
}

/**
 * Which consumers are online: group -> members and subscriptions, topic -> groups.
 *
 * Follows `broker/client/ConsumerManager.java`.
 */
export class ConsumerManager {
  private readonly groups = new Map<string, ConsumerGroupInfo>();
  private readonly groupsOfConnection = new Map<Connection, Set<string>>();
  private readonly changeListeners: ((group: ConsumerGroupInfo) => void)[] = [];
  private readonly variantListeners: ((group: ConsumerGroupInfo) => void)[] = [];

  constructor(private readonly options: ConsumerManagerOptions) {}

  /** Calls `listener` whenever members or topics of a clustering group changed. */
  onChange(listener: (group: ConsumerGroupInfo) => void): void {
    this.changeListeners.push(listener);
  }

  /** Calls `listener` whenever different subscriptions of a group's members came or went. */
  onVariants(listener: (group: ConsumerGroupInfo) => void): void {
    this.variantListeners.push(listener);
  }

  get(group: string): ConsumerGroupInfo | undefined {
    return this.groups.get(group);
  }

  all(): ReadonlyMap<string, ConsumerGroupInfo> {
    return this.groups;
  }

  findSubscription(group: string, topic: string): Subscription | undefined {
    return this.groups.get(group)?.subscriptions.get(topic);
  }

  /** The groups that subscribe a topic now. */
  groupsOfTopic(topic: string): string[] {
    const names: string[] = [];
    for (const group of this.groups.values()) if (group.subscriptions.has(topic)) names.push(group.groupName);
    return names;
  }

  /**
   * Takes one group of a heartbeat in.
   *
   * @throws RequestRefusedError when `maxGroups` groups are online already.
   * @returns true when members or subscribed topics changed.
   */
  register(channel: ClientChannelInfo, registration: ConsumerRegistration): boolean {
    let group = this.groups.get(registration.groupName);
    if (group === undefined) {
      if (this.groups.size >= this.options.maxGroups) {
        throw new RequestRefusedError(
          ResponseCode.SYSTEM_BUSY,
          `${this.groups.size} consumer groups are online, which is the limit (maxClientGroups); group ${registration.groupName} is refused`,
        );
      }
      group = new ConsumerGroupInfo(registration.groupName, registration.traits);
      this.groups.set(registration.groupName, group);
    }
    const joined = group.updateChannel(channel, registration.traits);
    if (joined) this.linkConnection(channel.connection, registration.groupName);
    const resubscribed =
      registration.subscriptions !== undefined && group.updateSubscriptions(registration.subscriptions);
    if (registration.subscriptions !== undefined) this.noteVariant(group, channel, registration.subscriptions);
    if (joined || resubscribed) this.notify(group);
    return joined || resubscribed;
  }

  /** A member says goodbye (UNREGISTER_CLIENT). */
  unregister(groupName: string, connection: Connection): void {
    const group = this.groups.get(groupName);
    if (group === undefined) return;
    this.groupsOfConnection.get(connection)?.delete(groupName);
    this.removeMember(group, connection);
  }

  /** A connection is gone: its client leaves every group. */
  connectionClosed(connection: Connection): void {
    const names = this.groupsOfConnection.get(connection);
    if (names === undefined) return;
    this.groupsOfConnection.delete(connection);
    for (const name of names) {
      const group = this.groups.get(name);
      if (group !== undefined) this.removeMember(group, connection);
    }
  }

  /** Drops members whose last heartbeat is too old, and closes their connections as RocketMQ does. */
  scanNotActiveChannels(): void {
    const oldest = this.options.clock() - this.options.channelExpiredTimeoutMs;
    for (const group of this.groups.values()) {
      for (const channel of group.channels.values()) {
        if (channel.lastUpdateMs >= oldest) continue;
        this.groupsOfConnection.get(channel.connection)?.delete(group.groupName);
        this.removeMember(group, channel.connection);
        channel.connection.close('the client sent no heartbeat in time');
      }
    }
  }

  private removeMember(group: ConsumerGroupInfo, connection: Connection): void {
    if (!group.channels.delete(connection)) return;
    if (group.variants.remove(connection)) for (const listener of this.variantListeners) listener(group);
    if (group.channels.size === 0) this.groups.delete(group.groupName);
    else this.notify(group);
  }

  private noteVariant(
    group: ConsumerGroupInfo,
    { connection, clientId }: ClientChannelInfo,
    subscriptions: readonly SubscriptionData[],
  ): void {
    if (!group.variants.update(connection, clientId, group.traits.messageModel, subscriptions)) return;
    for (const listener of this.variantListeners) listener(group);
  }

  private linkConnection(connection: Connection, groupName: string): void {
    let names = this.groupsOfConnection.get(connection);
    if (names === undefined) this.groupsOfConnection.set(connection, (names = new Set()));
    names.add(groupName);
  }

  private notify(group: ConsumerGroupInfo): void {
    if (group.isBroadcasting) return;
    for (const listener of this.changeListeners) listener(group);
  }
}
