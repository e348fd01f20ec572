import { TRANS_HALF_TOPIC } from '@rocknest/protocol';
import type { TopicConfigManager } from '../metadata/index.js';
import type { CheckPass } from './check-pass.js';
import type { HalfQueues } from './half-queues.js';

export interface TransactionServiceOptions {
  /** `transactionCheckInterval`, read at each use. */
  readonly intervalMs: () => number;
  readonly warn: (text: string) => void;
}

/**
 * Looks at the half queues every `transactionCheckInterval`.
 *
 * Follows `broker/transaction/TransactionalMessageCheckService.java`.
 */
export class TransactionService {
  private timer: NodeJS.Timeout | undefined = undefined;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly topics: TopicConfigManager,
    private readonly queues: HalfQueues,
    private readonly pass: CheckPass,
    private readonly options: TransactionServiceOptions,
  ) {}

  start(): void {
    this.timer = setTimeout(() => {
      this.running = this.check().finally(() => {
        if (!this.stopped) this.start();
      });
    }, this.options.intervalMs()).unref();
  }

  /** Ends the look under way and writes all marks. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    this.pass.stop();
    await this.running;
    await this.queues.stop();
  }

  private async check(): Promise<void> {
    const queueCount = this.topics.get(TRANS_HALF_TOPIC)?.readQueueNums ?? 1;
    for (let queueId = 0; queueId < queueCount && !this.stopped; queueId++) {
      try {
        await this.pass.run(queueId, this.queues.of(queueId));
      } catch (error) {
        this.options.warn(`the check of transactions in queue ${queueId} broke off and comes again: ${String(error)}`);
      }
    }
  }
}
