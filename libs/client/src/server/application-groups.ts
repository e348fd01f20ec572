import type { ConsumerPlan } from '../consumer/consumer-plan.js';
import { RocketMQPluginError, RocketMQPluginErrorCode } from '../errors.js';

interface Claim {
  readonly owner: object;
  readonly plan: ConsumerPlan;
}

/** Application -> cluster and group -> who consumes for it. */
const applications = new WeakMap<object, Map<string, Claim[]>>();

/**
 * The consumer groups of the servers of one application. One server merges all its handlers of a group into one subscription; two servers of one application are
 * two members of the group, and must subscribe to the same.
 */
export class ApplicationGroups {
  private readonly claims: Map<string, Claim[]>;

  /** @param application the same object for all servers of an application. */
  constructor(
    application: object,
    private readonly owner: object,
  ) {
    let claims = applications.get(application);
    if (claims === undefined) applications.set(application, (claims = new Map<string, Claim[]>()));
    this.claims = claims;
  }

  /** @throws RocketMQPluginError CONFLICTING_OPTIONS naming handlers of both servers and what differs. */
  claim(plan: ConsumerPlan, namesrvAddr: string | undefined): void {
    const key = `${namesrvAddr ?? ''} ${plan.group}`;
    const claims = this.claims.get(key) ?? [];
    for (const { owner, plan: other } of claims) {
      const difference = owner === this.owner ? undefined : differenceOf(other, plan);
      if (difference === undefined) continue;
      const names = (of: ConsumerPlan): string => of.handlers.map(({ label }) => label).join(', ');
      throw new RocketMQPluginError(
        RocketMQPluginErrorCode.CONFLICTING_OPTIONS,
        `two RocketMQServers of this application consume for group "${plan.group}" and subscribe to different things (${names(other)} | ${names(plan)}): ${difference}. ` +
          'Messages would be lost to the group: brokers keep what came last. Let one server have all its handlers, or give them different groups',
        { details: { group: plan.group, difference } },
      );
    }
    this.claims.set(key, [...claims, { owner: this.owner, plan }]);
  }

  release(): void {
    for (const [key, claims] of this.claims) {
      const left = claims.filter(({ owner }) => owner !== this.owner);
      if (left.length > 0) this.claims.set(key, left);
      else this.claims.delete(key);
    }
  }
}

function differenceOf(one: ConsumerPlan, other: ConsumerPlan): string | undefined {
  const [a, b] = [expressionsOf(one), expressionsOf(other)];
  const parts = [...new Set([...a.keys(), ...b.keys()])]
    .filter((topic) => a.get(topic) !== b.get(topic))
    .map((topic) => `${topic}: ${a.get(topic) ?? 'nothing'} | ${b.get(topic) ?? 'nothing'}`);
  return parts.length === 0 ? undefined : parts.join('; ');
}

function expressionsOf({ subscriptions }: ConsumerPlan): Map<string, string> {
  return new Map(
    [...subscriptions].map(([topic, selector]) => [
      topic,
      typeof selector === 'string' ? tagsInOrder(selector) : `SQL92 ${selector.expression}`,
    ]),
  );
}

function tagsInOrder(expression: string): string {
  return expression
    .split('||')
    .map((tag) => tag.trim())
    .sort()
    .join(' || ');
}
