import { subscriptionDifference } from '@rocknest/protocol';
import { SUBSCRIPTION_MISMATCH_LOG_INTERVAL_MS } from '../defaults.js';
import { LogLimiter, type ClientLogger } from '../logger.js';
import type { InstanceConsumer } from './client-members.js';

/** A consumer, and the name under which brokers know it. */
export interface GroupMember {
  readonly consumer: InstanceConsumer;
  readonly clientId: string;
}

/**
 * Tells when consumers of one group in this process subscribe to different things: brokers keep what came last, and the group misses messages. Members of other
 * processes are watched by Rocknest's brokers.
 */
export class GroupWatch {
  private readonly limiter = new LogLimiter(SUBSCRIPTION_MISMATCH_LOG_INTERVAL_MS);
  private found = 0;

  /** How often consumers of one group were found to subscribe to different things. */
  get mismatches(): number {
    return this.found;
  }

  /** @returns what differs, the newcomer's after the bar; undefined when nothing does. */
  joined(newcomer: GroupMember, others: Iterable<GroupMember>, logger: ClientLogger): string | undefined {
    const { group } = newcomer.consumer;
    const after = newcomer.consumer.heartbeatData();
    for (const { consumer, clientId } of others) {
      const before = consumer.heartbeatData();
      // Who subscribes to nothing assigns queues to itself.
      if (before.subscriptionDataSet.length === 0 || after.subscriptionDataSet.length === 0) continue;
      const models =
        before.messageModel === after.messageModel ? undefined : `${before.messageModel} | ${after.messageModel}`;
      const topics = subscriptionDifference(before.subscriptionDataSet, after.subscriptionDataSet);
      const difference = [models, topics].filter((part) => part !== undefined).join('; ');
      if (difference === '') continue;
      this.found++;
      if (this.limiter.allows(`${group} ${difference}`)) {
        logger.warn(
          `two consumers of group ${group} in this process subscribe to different things, so messages are lost to the group. ` +
            `${clientId} | ${newcomer.clientId}: ${difference}. Let both subscribe to the same, or give them different groups`,
        );
      }
      return difference;
    }
    return undefined;
  }
}
