import { ResponseCode } from '@rocknest/protocol';
import {
  PULL_DELAY_AFTER_BROKER_FLOW_CONTROL_MS,
  PULL_DELAY_AFTER_ERROR_MS,
  PULL_DELAY_AFTER_HEARTBEAT_MS,
  PULL_MAX_IDLE_TIME_MS,
} from '../../defaults.js';
import { responseCodeOf } from '../../errors.js';
import { LossPace } from '../loss-pace.js';
import type { PopLease } from './pop-lease.js';
import type { PopProcessQueue } from './pop-process-queue.js';

/** An answer to a pop that is no error. */
export interface PopOutcome {
  readonly status: 'FOUND' | 'NO_NEW_MSG' | 'POLLING_FULL';
  readonly leases: PopLease[];
}

export type PopCallback = (error: Error | undefined, outcome: PopOutcome | undefined) => void;

export interface PopLoopEvents {
  /** Sends one pop, held by the broker when there is nothing. The callback is called once, never inside of the call. */
  pop(loop: PopLoop, callback: PopCallback): void;
  /** Messages were put into the process queue. */
  onMessages(loop: PopLoop): void;
  /** Messages of a pop that was under way when the loop stopped: nobody here will handle them. */
  onLate(leases: PopLease[]): void;
  /** The broker does not know the group or its subscription (any more): resolves when a heartbeat has told it. */
  onSubscriptionUnknown(loop: PopLoop): Promise<void>;
  onError(loop: PopLoop, error: Error): void;
}

const UNKNOWN: ReadonlySet<number | undefined> = new Set([
  ResponseCode.SUBSCRIPTION_NOT_EXIST,
  ResponseCode.SUBSCRIPTION_NOT_LATEST,
  ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
]);

/**
 * Keeps one assignment supplied: one pop at a time, the next one as soon as the last is answered (RocketMQ:
 * `DefaultMQPushConsumerImpl.popMessage`). With more than `threshold` messages held it sleeps until a settlement makes room; the
 * reference looks every 50 ms.
 */
export class PopLoop {
  private timer: NodeJS.Timeout | undefined = undefined;
  private state: 'IDLE' | 'POPPING' | 'WAITING' | 'FULL' | 'SUSPENDED' | 'STOPPED' = 'IDLE';
  private suspended = false;
  private unknownInARow = 0;
  private readonly pace = new LossPace();
  /** Which pop is the one whose end starts the next. */
  private current = 0;

  constructor(
    readonly processQueue: PopProcessQueue,
    private readonly threshold: number,
    private readonly events: PopLoopEvents,
  ) {}

  /** True when the loop should pop and has not for two minutes: something is wrong, and the assignment is better taken anew. */
  isStuck(nowMs = Date.now()): boolean {
    const waits = this.state === 'FULL' || this.state === 'SUSPENDED' || this.state === 'STOPPED';
    return !waits && nowMs - this.processQueue.lastPopMs > PULL_MAX_IDLE_TIME_MS;
  }

  start(): void {
    this.next();
  }

  /** No pop begins after this; what the one under way brings goes to `onLate`. */
  stop(): void {
    this.state = 'STOPPED';
    clearTimeout(this.timer);
  }

  /** The pop under way goes on; its messages are kept. */
  suspend(): void {
    this.suspended = true;
  }

  resume(): void {
    this.suspended = false;
    if (this.state === 'SUSPENDED') this.next();
  }

  /** Sends another pop beside the one under way, which asks for what is not wanted any more; its messages are still taken. */
  popAnew(): void {
    if (this.state === 'POPPING') this.next();
  }

  /** To be called after each settlement; costs a comparison unless the loop sleeps. */
  wakeIfRoom(): void {
    if (this.state === 'FULL' && !this.full) this.next();
  }

  private get full(): boolean {
    return this.processQueue.messageCount > this.threshold;
  }

  private next(): void {
    if (this.state === 'STOPPED') return;
    if (this.suspended) {
      this.state = 'SUSPENDED';
      return;
    }
    if (this.full) {
      this.state = 'FULL';
      return;
    }
    this.state = 'POPPING';
    const pop = ++this.current;
    this.processQueue.lastPopMs = Date.now();
    this.events.pop(this, (error, outcome) => {
      if (outcome && outcome.leases.length > 0) this.take(outcome.leases);
      if (pop !== this.current || this.state !== 'POPPING') return;
      if (outcome) this.answered(outcome);
      else this.failed(error ?? new Error('a pop ended without an answer'));
    });
  }

  private take(leases: PopLease[]): void {
    if (this.state === 'STOPPED') {
      this.events.onLate(leases);
      return;
    }
    this.processQueue.put(leases);
    this.events.onMessages(this);
  }

  private later(delayMs: number): void {
    this.state = 'WAITING';
    this.timer = setTimeout(() => this.next(), delayMs);
  }

  private answered(outcome: PopOutcome): void {
    this.unknownInARow = 0;
    this.pace.reset();
    if (outcome.status === 'POLLING_FULL') this.later(PULL_DELAY_AFTER_ERROR_MS);
    else this.next();
  }

  private failed(error: Error): void {
    const code = responseCodeOf(error);
    if (code === ResponseCode.FLOW_CONTROL) {
      this.later(PULL_DELAY_AFTER_BROKER_FLOW_CONTROL_MS);
      return;
    }
    if (UNKNOWN.has(code) && this.unknownInARow++ === 0) {
      this.state = 'WAITING';
      const resume = (): void => {
        if (this.state === 'WAITING') this.later(PULL_DELAY_AFTER_HEARTBEAT_MS);
      };
      this.events.onSubscriptionUnknown(this).then(resume, resume);
      return;
    }
    this.events.onError(this, error);
    this.later(this.pace.after(error));
  }
}
