import { MASTER_ID, ResponseCode } from '@rocknest/protocol';
import {
  PULL_DELAY_AFTER_BROKER_FLOW_CONTROL_MS,
  PULL_DELAY_AFTER_CONNECTION_LOSS_MS,
  PULL_DELAY_AFTER_ERROR_MS,
  PULL_DELAY_AFTER_HEARTBEAT_MS,
  PULL_MAX_IDLE_TIME_MS,
} from '../defaults.js';
import { MQBrokerError, responseCodeOf } from '../errors.js';
import { LossPace } from './loss-pace.js';
import type { ProcessQueue } from './process-queue.js';
import type { Pull, PullOutcome } from './pull-types.js';

export interface PullLoopEvents {
  /** Messages were put into the process queue. */
  onMessages(loop: PullLoop): void;
  /** Everything below `offset` is consumed or was filtered out, and nothing is held. */
  onNothingHeld(loop: PullLoop, offset: number): void;
  /** The broker has no such offset; the right one is `offset`. The loop has stopped. */
  onOffsetIllegal(loop: PullLoop, offset: number): void;
  /** The broker at `address`, perhaps a slave, does not know the group's subscription (any more): resolves when a heartbeat has told it. */
  onSubscriptionUnknown(loop: PullLoop, address: string): Promise<void>;
  onError(loop: PullLoop, error: Error): void;
  /** The offset to commit with the next pull, 0 for none. */
  commitOffset(loop: PullLoop): number;
  /** True when pulls of all queues must wait for room that this queue alone does not show. */
  holdsBack?(): boolean;
}

/**
 * Keeps one queue supplied: one pull at a time, the next one as soon as the last is answered (RocketMQ: `DefaultMQPushConsumerImpl.pullMessage`).
 * When the process queue is full the loop sleeps until a settlement makes room; the reference looks every 50 ms.
 */
export class PullLoop {
  private nextOffset = 0;
  /** What the last answer suggested; the master's again after a failure, which will suggest anew. */
  private brokerId: number = MASTER_ID;
  private timer: NodeJS.Timeout | undefined = undefined;
  private state: 'IDLE' | 'PULLING' | 'WAITING' | 'FULL' | 'SUSPENDED' | 'STOPPED' = 'IDLE';
  private suspended = false;
  private subscriptionUnknown = 0;
  private readonly pace = new LossPace();
  /** Which pull is the one under way: answers to others are ignored. */
  private current = 0;

  constructor(
    readonly processQueue: ProcessQueue,
    private readonly pull: Pull,
    private readonly events: PullLoopEvents,
  ) {}

  /** Offset of the next pull. */
  get pullOffset(): number {
    return this.nextOffset;
  }

  /** Which limit keeps the loop asleep, or undefined. */
  get sleepsBecause(): string | undefined {
    return this.state === 'FULL' ? (this.processQueue.fullBecause ?? 'all queues') : undefined;
  }

  /** True when the loop should pull and has not for two minutes: something is wrong, and the queue is better taken anew. */
  isStuck(nowMs = Date.now()): boolean {
    const waits = this.state === 'FULL' || this.state === 'SUSPENDED' || this.state === 'STOPPED';
    return !waits && nowMs - this.processQueue.lastPullMs > PULL_MAX_IDLE_TIME_MS;
  }

  start(offset: number): void {
    this.nextOffset = offset;
    this.next();
  }

  /** No pull begins after this, and the answer to one under way is ignored. */
  stop(): void {
    this.state = 'STOPPED';
    clearTimeout(this.timer);
  }

  /** The pull under way goes on; its messages are kept. */
  suspend(): void {
    this.suspended = true;
  }

  resume(): void {
    this.suspended = false;
    if (this.state === 'SUSPENDED') this.next();
  }

  /** Goes on at another offset, after `stop` too. `paced` waits as after an error. */
  moveTo(offset: number, paced = false): void {
    clearTimeout(this.timer);
    this.nextOffset = offset;
    this.current++;
    this.state = 'IDLE';
    if (paced) this.later(PULL_DELAY_AFTER_ERROR_MS);
    else this.next();
  }

  /** Gives up the pull under way, if there is one, and sends another: what it asks for has changed. */
  pullAnew(): void {
    if (this.state === 'PULLING') this.next();
  }

  /** To be called after each settlement; costs a comparison unless the loop sleeps. */
  wakeIfRoom(): void {
    if (this.state === 'FULL' && !this.full) this.next();
  }

  private get full(): boolean {
    return this.processQueue.fullBecause !== undefined || this.events.holdsBack?.() === true;
  }

  private next(): void {
    if (this.state === 'STOPPED' || this.processQueue.dropped) return;
    if (this.suspended) {
      this.state = 'SUSPENDED';
      return;
    }
    if (this.full) {
      this.state = 'FULL';
      return;
    }
    this.state = 'PULLING';
    const pull = ++this.current;
    this.processQueue.lastPullMs = Date.now();
    const { queue } = this.processQueue;
    this.pull(
      { queue, queueOffset: this.nextOffset, commitOffset: this.events.commitOffset(this), brokerId: this.brokerId },
      (error, outcome) => {
        if (pull !== this.current || this.state !== 'PULLING' || this.processQueue.dropped) return;
        if (outcome) this.answered(outcome);
        else this.failed(error ?? new Error('a pull ended without an answer'));
      },
    );
  }

  private later(delayMs: number): void {
    this.state = 'WAITING';
    this.timer = setTimeout(() => this.next(), delayMs);
  }

  private answered(outcome: PullOutcome): void {
    this.subscriptionUnknown = 0;
    this.pace.reset();
    this.brokerId = outcome.suggestedBrokerId;
    if (outcome.status === 'OFFSET_ILLEGAL') {
      this.stop();
      this.events.onOffsetIllegal(this, outcome.nextBeginOffset);
      return;
    }
    const before = this.nextOffset;
    this.nextOffset = outcome.nextBeginOffset;
    if (outcome.messages.length > 0 && this.processQueue.put(outcome.messages) > 0) {
      this.events.onMessages(this);
    } else if (this.processQueue.messageCount === 0) {
      this.events.onNothingHeld(this, outcome.nextBeginOffset);
    }
    // An answer that makes no progress, and was not held, would be repeated at full speed.
    const isStill = outcome.nextBeginOffset <= before;
    if (isStill && outcome.status === 'FOUND') this.later(PULL_DELAY_AFTER_ERROR_MS);
    else if (isStill && outcome.status === 'NO_MATCHED_MSG') this.later(PULL_DELAY_AFTER_CONNECTION_LOSS_MS);
    else this.next();
  }

  private failed(error: Error): void {
    this.brokerId = MASTER_ID;
    const code = responseCodeOf(error);
    if (code === ResponseCode.FLOW_CONTROL) {
      this.later(PULL_DELAY_AFTER_BROKER_FLOW_CONTROL_MS);
      return;
    }
    const unknown = code === ResponseCode.SUBSCRIPTION_NOT_EXIST || code === ResponseCode.SUBSCRIPTION_NOT_LATEST;
    if (unknown && error instanceof MQBrokerError && this.subscriptionUnknown++ === 0) {
      this.state = 'WAITING';
      const resume = (): void => {
        if (this.state === 'WAITING') this.later(PULL_DELAY_AFTER_HEARTBEAT_MS);
      };
      this.events.onSubscriptionUnknown(this, error.address).then(resume, resume);
      return;
    }
    this.events.onError(this, error);
    this.later(this.pace.after(error));
  }
}
