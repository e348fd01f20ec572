import { encodeGetMaxOffsetRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { FAULT_DETECTOR_ROUND_MS, PROBE_CONCURRENCY } from '../defaults.js';
import { errorText } from '../errors.js';
import type { ClientLogger } from '../logger.js';
import { forEachLimited } from '../support/concurrency.js';
import { PeriodicTask } from '../support/periodic-task.js';
import type { FaultStrategyOptions } from './fault-strategy.js';
import type { FaultItem, LatencyFaultTolerance } from './latency-fault-tolerance.js';
import type { SendInstance } from './send-engine.js';

/**
 * Probes the brokers of the fault table, so that one that is back is found before a send is risked on it
 * (RocketMQ: `LatencyFaultToleranceImpl.startDetector`, 5.1). A probe is a question for the end of a queue.
 */
export class FaultDetector {
  private readonly task: PeriodicTask;

  constructor(
    private readonly table: LatencyFaultTolerance,
    private readonly instance: Pick<SendInstance, 'transport' | 'brokers'>,
    private readonly options: Pick<FaultStrategyOptions, 'detectIntervalMs' | 'detectTimeoutMs'>,
    private readonly logger: ClientLogger,
  ) {
    const roundMs = Math.min(FAULT_DETECTOR_ROUND_MS, options.detectIntervalMs);
    this.task = new PeriodicTask(
      roundMs,
      () => this.probeDue(Date.now()),
      (error) => this.logger.warn(`probing of brokers failed: ${errorText(error)}`),
    );
  }

  start(): void {
    this.task.start();
  }

  stop(): Promise<void> {
    return this.task.stop();
  }

  async probeDue(nowMs: number): Promise<void> {
    await forEachLimited(this.table.dueProbes(nowMs, this.options.detectIntervalMs), PROBE_CONCURRENCY, (item) =>
      this.probe(item),
    );
  }

  private async probe(item: FaultItem): Promise<void> {
    const { brokerName, topic } = item;
    const address = this.instance.brokers.master(brokerName);
    if (address === undefined) {
      this.table.forget(brokerName);
      return;
    }
    if (item.reachable) return;
    const command = RemotingCommand.request(
      RequestCode.GET_MAX_OFFSET,
      encodeGetMaxOffsetRequest({ topic, queueId: 0, committed: true }),
    );
    try {
      const { code } = await this.instance.transport.invoke(address, command, this.options.detectTimeoutMs);
      // Any word of it but "not now" tells that it serves requests.
      if (code === ResponseCode.SYSTEM_BUSY || code === ResponseCode.GO_AWAY) return;
      item.reachable = true;
      this.logger.debug?.(`broker ${brokerName} (${address}) answers again`);
    } catch (error) {
      this.logger.debug?.(`broker ${brokerName} (${address}) does not answer yet: ${errorText(error)}`);
    }
  }
}
