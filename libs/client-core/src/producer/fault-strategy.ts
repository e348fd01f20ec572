import type { MessageQueue } from '@rocknest/protocol';
import { ISOLATION_LATENCY_MS, LATENCY_MAX_MS, NOT_AVAILABLE_DURATION_MS } from '../defaults.js';
import { invalidArgument } from '../support/check.js';
import type { TopicPublishInfo } from '../route/topic-publish-info.js';
import { LatencyFaultTolerance } from './latency-fault-tolerance.js';

export interface FaultStrategyOptions {
  /** Ascending. */
  latencyMaxMs: readonly number[];
  /** As many: how long a broker is passed over whose send took at least that long. */
  notAvailableDurationMs: readonly number[];
  startDetectorEnable: boolean;
  detectIntervalMs: number;
  detectTimeoutMs: number;
}

/** @throws MQClientError INVALID_ARGUMENT. */
export function latencyLadder(
  latencyMaxMs: readonly number[] = LATENCY_MAX_MS,
  notAvailableDurationMs: readonly number[] = NOT_AVAILABLE_DURATION_MS,
): Pick<FaultStrategyOptions, 'latencyMaxMs' | 'notAvailableDurationMs'> {
  const wholeNumbers = [...latencyMaxMs, ...notAvailableDurationMs].every((ms) => Number.isSafeInteger(ms) && ms >= 0);
  const ascending = latencyMaxMs.every((ms, i) => i === 0 || ms > latencyMaxMs[i - 1]);
  if (!wholeNumbers || !ascending || latencyMaxMs.length !== notAvailableDurationMs.length) {
    throw invalidArgument(
      `latencyMaxMs [${latencyMaxMs.join(', ')}] and notAvailableDurationMs [${notAvailableDurationMs.join(', ')}] must be ` +
        'whole numbers of ms, equally many, the first ones ascending',
    );
  }
  return { latencyMaxMs: [...latencyMaxMs], notAvailableDurationMs: [...notAvailableDurationMs] };
}

/**
 * Chooses queues by how brokers did of late (RocketMQ: `client/latency/MQFaultStrategy.java`): first of brokers that are not passed over for
 * their latency, then of those that are reachable, then of any.
 */
export class FaultStrategy {
  readonly table = new LatencyFaultTolerance();

  constructor(private readonly options: FaultStrategyOptions) {}

  /**
   * The queue whose turn it is among those that `usable` allows, or undefined when it allows none.
   *
   * @param lastFailedBroker passed over as long as there is another one.
   */
  select(
    info: TopicPublishInfo,
    lastFailedBroker: string | undefined,
    nowMs: number,
    usable: (brokerName: string) => boolean,
  ): MessageQueue | undefined {
    const { table } = this;
    const another = (name: string): boolean => name !== lastFailedBroker && usable(name);
    return (
      info.selectWhere((name) => another(name) && table.isAvailable(name, nowMs)) ??
      info.selectWhere((name) => another(name) && table.isReachable(name)) ??
      info.selectWhere(another) ??
      info.selectWhere(usable)
    );
  }

  /** A broker has answered that it took the message. */
  answered(brokerName: string, topic: string, latencyMs: number, nowMs: number): void {
    this.table.update(brokerName, topic, latencyMs, this.durationOf(latencyMs), true, nowMs);
  }

  /**
   * A send failed at the broker.
   *
   * @param connected true when it answered, with an error; false when it could not be reached or did not answer.
   */
  failed(brokerName: string, topic: string, latencyMs: number, connected: boolean, nowMs: number): void {
    // Without a detector nobody would find out that it is there again.
    const reachable = connected || !this.options.startDetectorEnable;
    this.table.update(brokerName, topic, latencyMs, this.durationOf(ISOLATION_LATENCY_MS), reachable, nowMs);
  }

  private durationOf(latencyMs: number): number {
    const { latencyMaxMs, notAvailableDurationMs } = this.options;
    for (let i = latencyMaxMs.length - 1; i >= 0; i--) {
      if (latencyMs >= latencyMaxMs[i]) return notAvailableDurationMs[i];
    }
    return 0;
  }
}
