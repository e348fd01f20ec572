import { decodeMessages, javaStringHash, MessageConst, type MessageExt, TIMER_TOPIC } from '@rocknest/protocol';
import * as defaults from '../defaults.js';
import type { Clock } from '../io/clock.js';
import type { MessageStore } from '../message-store.js';
import type { StoreLogger } from '../types.js';
import type { TimerDequeuer } from './timer-dequeuer.js';
import { MAGIC_DEFAULT, MAGIC_DELETE, MAGIC_ROLL, slotOf } from './timer-layout.js';
import type { TimerLog } from './timer-log.js';
import { cancelledKeyOf, dueMsOf } from './timer-message.js';
import type { TimerMetrics } from './timer-metrics.js';
import type { TimerWheel } from './timer-wheel.js';

/**
 * Follows the timer topic and gives each of its messages a unit in the timer log and a place in the wheel, some 32 messages at a time.
 * Plays the parts of `TimerEnqueueGetService` and `TimerEnqueuePutService`.
 */
export class TimerEnqueuer {
  private running: Promise<void> | undefined;
  private stopped = true;
  private nextOffset = 0;
  enqueued = 0;

  constructor(
    private readonly store: MessageStore,
    private readonly wheel: TimerWheel,
    private readonly log: TimerLog,
    private readonly metrics: TimerMetrics,
    private readonly dequeuer: TimerDequeuer,
    private readonly rollWindowMs: number,
    private readonly clock: Clock,
    private readonly logger: StoreLogger,
    /** Runs one piece of work at a time, flushes included. */
    private readonly alone: (work: () => Promise<void>) => Promise<void>,
  ) {}

  /** Messages before it have their units. */
  get queueOffset(): number {
    return this.nextOffset;
  }

  /** Messages that have no unit yet. */
  get behindMessages(): number {
    return Math.max(0, this.store.maxOffset(TIMER_TOPIC, 0) - this.nextOffset);
  }

  begin(queueOffset: number): void {
    this.nextOffset = queueOffset;
  }

  start(): void {
    this.stopped = false;
    this.wake();
  }

  /** Something came into the timer topic. */
  wake(): void {
    if (this.stopped || this.running !== undefined) return;
    this.running = this.run().finally(() => {
      this.running = undefined;
      if (this.behindMessages > 0) this.wake();
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  /** Everything that is in the topic now has its unit. */
  async caughtUp(): Promise<void> {
    const end = this.store.maxOffset(TIMER_TOPIC, 0);
    while (this.nextOffset < end && !this.stopped) {
      this.wake();
      await this.running;
    }
  }

  private async run(): Promise<void> {
    while (this.behindMessages > 0 && !this.stopped) {
      try {
        await this.alone(() => this.takeSome());
      } catch (error) {
        this.logger.warn(`the timer can't take up messages: ${String(error)}; trying again`);
        await this.clock.sleep(defaults.TIMER_RETRY_MS);
      }
      await new Promise<void>((resolve) => {
        this.clock.defer(resolve);
      });
    }
  }

  private async takeSome(): Promise<void> {
    // What an earlier turn could not write is written first.
    await this.log.commit();
    const { nextBeginOffset, records } = await this.store.getMessage({
      topic: TIMER_TOPIC,
      queueId: 0,
      queueOffset: this.nextOffset,
      maxMessages: defaults.TIMER_READ_MESSAGES,
    });
    let earliestDueMs = Infinity;
    for (const slice of records) {
      for (const message of decodeMessages(slice, { inflate: false })) {
        earliestDueMs = Math.min(earliestDueMs, this.take(message));
      }
    }
    this.nextOffset = nextBeginOffset;
    await this.log.commit();
    if (earliestDueMs < Infinity) this.dequeuer.noteEarliest(earliestDueMs);
  }

  /** @returns when the message is due, or is to be stored anew. */
  private take(message: MessageExt): number {
    const { properties } = message;
    const wantedMs = dueMsOf(properties);
    if (wantedMs === undefined) {
      this.logger.warn(`a message of the timer topic (${message.msgId}) has no TIMER_OUT_MS and is never delivered`);
      return Infinity;
    }
    const nowMs = this.clock.nowMs();
    const deleteKey = cancelledKeyOf(properties);
    const isRoll = wantedMs - nowMs >= this.rollWindowMs;
    const dueMs = isRoll
      ? this.rollTime(wantedMs, nowMs)
      : Math.max(wantedMs, this.dequeuer.earliestDueMs, this.dequeuer.readTimeMs + 1);
    const magic = MAGIC_DEFAULT | (isRoll ? MAGIC_ROLL : 0) | (deleteKey === undefined ? 0 : MAGIC_DELETE);
    const slotMs = slotOf(dueMs);
    const { physicalOffset, storeSize: sizeBytes } = message;
    const unit = { previous: this.wheel.lastOf(slotMs), magic, dueMs, physicalOffset, sizeBytes };
    const realTopic = properties[MessageConst.REAL_TOPIC] ?? '';
    const position = this.log.add(unit, nowMs, javaStringHash(realTopic));
    this.wheel.add(slotMs, position, deleteKey === undefined ? 1 : -1);
    this.dequeuer.offer(unit, position, isRoll ? undefined : deleteKey);
    if (deleteKey === undefined) this.metrics.add(realTopic, 1, nowMs);
    this.enqueued++;
    return dueMs;
  }

  /** A message that would be due shortly behind the window is stored anew in the middle of it, so that the next step is not a short one. */
  private rollTime(dueMs: number, nowMs: number): number {
    const window = this.rollWindowMs;
    return nowMs + (dueMs - nowMs - window < window / 3 ? Math.floor(window / 2) : window);
  }
}
