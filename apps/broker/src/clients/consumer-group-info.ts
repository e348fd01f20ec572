import type { SubscriptionData } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import type { ClientChannelInfo } from './client-channel-info.js';
import { createSubscription, type Subscription } from './subscription.js';
import { SubscriptionVariants } from './subscription-variants.js';

/** What the members of a group say of how they consume. The last heartbeat wins, as in RocketMQ. */
export interface ConsumeTraits {
  /** CONSUME_ACTIVELY (pull), CONSUME_PASSIVELY (push) or CONSUME_POP. */
  readonly consumeType: string;
  /** CLUSTERING or BROADCASTING. */
  readonly messageModel: string;
  /** CONSUME_FROM_LAST_OFFSET, CONSUME_FROM_FIRST_OFFSET or CONSUME_FROM_TIMESTAMP. */
  readonly consumeFromWhere: string;
}

/**
 * The members of a consumer group that are online and the one subscription table that they share.
 *
 * Follows `broker/client/ConsumerGroupInfo.java`.
 */
export class ConsumerGroupInfo {
  readonly channels = new Map<Connection, ClientChannelInfo>();
  readonly subscriptions = new Map<string, Subscription>();
  /** What the members subscribe to each: more than one element is a mistake of the users'. */
  readonly variants = new SubscriptionVariants();
  lastUpdateMs = 0;

  constructor(
    readonly groupName: string,
    public traits: ConsumeTraits,
  ) {}

  get isBroadcasting(): boolean {
    return this.traits.messageModel === 'BROADCASTING';
  }

  clientIds(): string[] {
    return Array.from(this.channels.values(), (channel) => channel.clientId);
  }

  findByClientId(clientId: string): ClientChannelInfo | undefined {
    for (const channel of this.channels.values()) if (channel.clientId === clientId) return channel;
    return undefined;
  }

  /** Takes a heartbeat's channel in. @returns true when the connection is a new member. */
  updateChannel(channel: ClientChannelInfo, traits: ConsumeTraits): boolean {
    this.traits = traits;
    this.lastUpdateMs = channel.lastUpdateMs;
    const known = this.channels.get(channel.connection);
    if (known !== undefined && known.clientId === channel.clientId) {
      known.lastUpdateMs = channel.lastUpdateMs;
      return false;
    }
    this.channels.set(channel.connection, channel);
    return known === undefined;
  }

  /**
   * Replaces the subscription table by what a heartbeat says: new topics come in, a topic that is there is replaced by a
   * newer `subVersion` only, and a topic that the heartbeat does not name goes.
   *
   * @returns true when a topic came or went. A changed expression alone is no reason to rebalance.
   */
  updateSubscriptions(subscriptions: readonly SubscriptionData[]): boolean {
    let changed = false;
    const named = new Set<string>();
    for (const data of subscriptions) {
      named.add(data.topic);
      const known = this.subscriptions.get(data.topic);
      if (known === undefined) {
        this.subscriptions.set(data.topic, createSubscription(data));
        changed = true;
      } else if (data.subVersion > known.data.subVersion) {
        this.subscriptions.set(data.topic, createSubscription(data));
      }
    }
    for (const topic of this.subscriptions.keys()) {
      if (named.has(topic)) continue;
      this.subscriptions.delete(topic);
      changed = true;
    }
    return changed;
  }
}
