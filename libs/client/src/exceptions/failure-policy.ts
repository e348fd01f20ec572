import { DELAY_LEVELS_MS } from '../defaults.js';
import { PayloadValidationError } from '../typed-topic/payload-validation.error.js';
import { RetryLater, SendToDlq, Skip, SuspendQueue } from './outcome-exceptions.js';
import { matches, type RetryPolicy } from './retry-policy.js';

/** What becomes of a message whose handling failed. */
export type Verdict =
  | { readonly kind: 'skip' }
  | { readonly kind: 'dlq' }
  /** `delayLevel` 0: the usual pace; `restMs`: for queues in order, undefined for the usual time. */
  | { readonly kind: 'retry'; readonly delayLevel: number; readonly restMs: number | undefined };

const SKIP: Verdict = { kind: 'skip' };
const DLQ: Verdict = { kind: 'dlq' };

function levelFor(ms: number): number {
  const index = DELAY_LEVELS_MS.findIndex((levelMs) => levelMs >= ms);
  return index < 0 ? DELAY_LEVELS_MS.length : index + 1;
}

function retryAt(delayLevel: number): Verdict {
  const restMs = delayLevel === 0 ? undefined : (DELAY_LEVELS_MS[delayLevel - 1] ?? DELAY_LEVELS_MS.at(-1));
  return { kind: 'retry', delayLevel, restMs };
}

/** Decides by the error and by how often the message came. */
export class FailurePolicy {
  readonly storeReason: boolean;
  /** Redeliveries before the dead letter queue as the policies say; undefined when they say nothing. */
  readonly maxReconsumeTimes: number | undefined;
  private readonly delayLevels: readonly number[] | undefined;
  private readonly retriesKnownOnly: boolean;

  /** @param policies the handler's before the server's before the module's. */
  constructor(private readonly policies: readonly RetryPolicy[]) {
    const first = <T>(pick: (policy: RetryPolicy) => T | undefined): T | undefined =>
      policies.map(pick).find((value) => value !== undefined);
    this.storeReason = first((policy) => policy.storeReason) ?? true;
    this.maxReconsumeTimes = first((policy) => policy.maxReconsumeTimes);
    this.delayLevels = first((policy) => policy.delayLevels);
    this.retriesKnownOnly = policies.some((policy) => policy.on !== undefined);
  }

  /**
   * @param reconsumeTimes how often the message came before this time.
   * @param limit redeliveries before the dead letter queue; Infinity: none.
   */
  verdictOf(error: unknown, reconsumeTimes: number, limit: number): Verdict {
    const verdict = this.byError(error, reconsumeTimes);
    return verdict.kind === 'retry' && reconsumeTimes >= limit ? DLQ : verdict;
  }

  private byError(error: unknown, reconsumeTimes: number): Verdict {
    if (error instanceof Skip) return SKIP;
    if (error instanceof SendToDlq) return DLQ;
    if (error instanceof RetryLater)
      return error.delayLevel > 0 ? retryAt(error.delayLevel) : this.paced(reconsumeTimes);
    if (error instanceof SuspendQueue) return { kind: 'retry', delayLevel: levelFor(error.ms), restMs: error.ms };
    for (const policy of this.policies) {
      if (matches(policy.skip, error)) return SKIP;
      if (matches(policy.dlq, error)) return DLQ;
      if (matches(policy.on, error)) return this.paced(reconsumeTimes);
    }
    // Another delivery brings the same payload.
    if (error instanceof PayloadValidationError) return DLQ;
    return this.retriesKnownOnly ? DLQ : this.paced(reconsumeTimes);
  }

  private paced(reconsumeTimes: number): Verdict {
    const { delayLevels } = this;
    return retryAt(delayLevels === undefined ? 0 : delayLevels[Math.min(reconsumeTimes, delayLevels.length - 1)]);
  }
}
