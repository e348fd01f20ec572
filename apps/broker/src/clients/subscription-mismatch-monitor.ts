import { subscriptionDifference } from '@rocknest/protocol';
import type { Clock } from '../clock.js';
import { SUBSCRIPTION_MISMATCH_LOG_INTERVAL_MS } from '../defaults.js';
import type { BrokerLogger } from '../logger.js';
import type { Counter, CounterRegistry } from '../stats/counter-registry.js';
import type { ConsumerGroupInfo } from './consumer-group-info.js';
import type { SubscriptionVariant } from './subscription-variants.js';

interface Mismatch {
  readonly group: ConsumerGroupInfo;
  logged: boolean;
}

/**
 * Tells when members of a group subscribe to different things. RocketMQ keeps one subscription table for a group, what came last, so such a group
 * silently misses messages. Each group is reported when it begins, at most once in ten minutes while it lasts or comes and goes (a rolling deployment
 * is one line), and when it has ended.
 */
export class SubscriptionMismatchMonitor {
  private readonly mismatches = new Map<string, Mismatch>();
  /** When a group was reported last. Groups are forgotten once that is long ago. */
  private readonly reportedMs = new Map<string, number>();
  private readonly counter: Counter;

  constructor(
    counters: CounterRegistry,
    private readonly logger: Pick<BrokerLogger, 'log' | 'warn'>,
    private readonly clock: Clock,
  ) {
    this.counter = counters.counter(
      'subscriptionMismatchTotal',
      'Times that members of a consumer group were found to subscribe to different things.',
    );
    counters.gauge(
      'subscriptionMismatchGroups',
      'Consumer groups whose members subscribe to different things now.',
      () => this.mismatches.size,
    );
  }

  /** Groups whose members subscribe to different things now. */
  get groupNames(): string[] {
    return [...this.mismatches.keys()];
  }

  /** Members, or what they subscribe to, have changed so that variants came or went. */
  variantsChanged(group: ConsumerGroupInfo): void {
    const known = this.mismatches.get(group.groupName);
    if (group.variants.size > 1) {
      if (known === undefined) this.counter.increment();
      const mismatch = known ?? { group, logged: false };
      this.mismatches.set(group.groupName, mismatch);
      this.report(mismatch);
    } else if (known !== undefined) {
      this.mismatches.delete(group.groupName);
      if (known.logged) this.logger.log(`consumer group ${group.groupName}: all members subscribe to the same again`);
    }
  }

  /** To be called from time to time: reports what lasts, and forgets what is long over. */
  remind(): void {
    const oldest = this.clock() - SUBSCRIPTION_MISMATCH_LOG_INTERVAL_MS;
    for (const [name, atMs] of this.reportedMs) if (atMs <= oldest) this.reportedMs.delete(name);
    for (const mismatch of this.mismatches.values()) this.report(mismatch);
  }

  private report(mismatch: Mismatch): void {
    const { groupName, variants } = mismatch.group;
    const nowMs = this.clock();
    const before = this.reportedMs.get(groupName);
    if (before !== undefined && nowMs - before < SUBSCRIPTION_MISMATCH_LOG_INTERVAL_MS) return;
    this.reportedMs.set(groupName, nowMs);
    mismatch.logged = true;
    const [most, other] = variants.all();
    this.logger.warn(
      `consumer group ${groupName}: its members subscribe to different things, so messages are lost to it. ${whoIs(most)} | ${whoIs(other)}: ` +
        `${differenceOf(most, other)}. ` +
        (variants.size > 2 ? `There are ${variants.size} different subscriptions. ` : '') +
        'Let all members subscribe to the same, or give them different groups. (During a rolling deployment this ends by itself.)',
    );
  }
}

function whoIs({ members }: SubscriptionVariant): string {
  const [[connection, clientId]] = members;
  const others = members.size > 1 ? ` and ${members.size - 1} more` : '';
  return `${clientId} at ${connection.remoteAddress}${others}`;
}

function differenceOf(one: SubscriptionVariant, other: SubscriptionVariant): string {
  const parts = [];
  if (one.messageModel !== other.messageModel) parts.push(`${one.messageModel} | ${other.messageModel}`);
  const topics = subscriptionDifference(one.subscriptions, other.subscriptions);
  if (topics !== undefined) parts.push(topics);
  return parts.join('; ');
}
