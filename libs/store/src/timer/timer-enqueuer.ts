import { decodeMessages, javaStringHash, MessageConst, type MessageExt, TIMER_TOPIC } from '@rocknest/protocol';
import * as defaults from '../defaults.js';
import { Backoff } from '../io/backoff.js';
import type { Clock } from '../io/clock.js';
import type { MessageStore } from '../message-store.js';
import type { StoreLogger } from '../types.js';
import type { TimerDequeuer } from './timer-dequeuer.js';
import { MAGIC_DEFAULT, MAGIC_DELETE, MAGIC_ROLL, slotOf } from './timer-layout.js';
import type { TimerLog } from './timer-log.js';
import { cancelledKeyOf, dueMsOf } from './timer-message.js';
import type { TimerMetrics } from './timer-metrics.js';
import type { TimerWheel } from './timer-wheel.js';

/** Messages that get their units again, because log and wheel were damaged. */
export interface Rebuild {
  /** Behind the last of them. */
  readonly untilQueueOffset: number;
  /** True for those that need none. */
  readonly isDone: (message: MessageExt, dueMs: number | undefined) => boolean;
}

export interface TimerEnqueuerParts {
  readonly store: MessageStore;
  readonly wheel: TimerWheel;
  readonly log: TimerLog;
  /** Counts what waits; undefined on a slave, which takes the numbers of its master. */
  readonly metrics: TimerMetrics | undefined;
  readonly dequeuer: TimerDequeuer;
  readonly rollWindowMs: number;
  readonly clock: Clock;
  readonly logger: StoreLogger;
  /** Runs one piece of work at a time, flushes included. */
  readonly alone: (work: () => Promise<void>) => Promise<void>;
}

/**
 * Follows the timer topic and gives each of its messages a unit in the timer log and a place in the wheel.
 * Plays the parts of `TimerEnqueueGetService` and `TimerEnqueuePutService`.
 */
export class TimerEnqueuer {
  private running: Promise<void> | undefined = undefined;
  private stopped = true;
  private endPause: (() => void) | undefined = undefined;
  private nextOffset = 0;
  private rebuild: Rebuild | undefined = undefined;
  /** When the first of the units is due that may not be in the timer log yet. */
  private uncommittedDueMs = Infinity;
  /** Store time of the last message that got its unit. */
  lastStoreTimestamp = 0;
  enqueued = 0;

  constructor(private readonly parts: TimerEnqueuerParts) {}

  /** Messages before it have their units. */
  get queueOffset(): number {
    return this.nextOffset;
  }

  /** Messages that have no unit yet. */
  get behindMessages(): number {
    return Math.max(0, this.parts.store.maxOffset(TIMER_TOPIC, 0) - this.nextOffset);
  }

  /** Up to where what was there before gets its units again; 0 when it has them. */
  get rebuildUntil(): number {
    const { rebuild } = this;
    return rebuild !== undefined && this.nextOffset < rebuild.untilQueueOffset ? rebuild.untilQueueOffset : 0;
  }

  begin(queueOffset: number, rebuild: Rebuild | undefined): void {
    this.nextOffset = queueOffset;
    this.rebuild = rebuild;
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
    this.endPause?.();
    await this.running;
  }

  /** Everything that is in the topic now has its unit. */
  async caughtUp(): Promise<void> {
    const end = this.parts.store.maxOffset(TIMER_TOPIC, 0);
    while (this.nextOffset < end && !this.stopped) {
      this.wake();
      await this.running;
    }
  }

  /** Writes what has a unit into the timer log, and tells the dequeuer. After a failure it may be called again, by whoever comes next. */
  async commit(): Promise<void> {
    await this.parts.log.commit();
    const dueMs = this.uncommittedDueMs;
    this.uncommittedDueMs = Infinity;
    if (dueMs < Infinity) this.parts.dequeuer.noteEarliest(dueMs);
  }

  private async run(): Promise<void> {
    const { alone, clock, logger } = this.parts;
    const backoff = new Backoff(defaults.TIMER_RETRY_MS, defaults.TIMER_MAX_RETRY_MS);
    while (this.behindMessages > 0 && !this.stopped) {
      try {
        await alone(() => this.takeSome());
        backoff.reset();
      } catch (error) {
        const pauseMs = backoff.next();
        logger.warn(`the timer can't take up messages: ${String(error)}; trying again in ${pauseMs} ms`);
        await this.pause(pauseMs);
      }
      await new Promise<void>((resolve) => {
        clock.defer(resolve);
      });
    }
  }

  /** A stop need not wait for it. */
  private pause(pauseMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.parts.clock.startTimer(resolve, pauseMs);
      this.endPause = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  private async takeSome(): Promise<void> {
    const { store, clock } = this.parts;
    // What an earlier turn could not write is written first.
    await this.commit();
    const endMs = clock.monotonicMs() + defaults.TIMER_READ_TURN_MS;
    const lastOffset = this.nextOffset + defaults.TIMER_READ_MESSAGES;
    do {
      const { nextBeginOffset, records } = await store.getMessage({
        topic: TIMER_TOPIC,
        queueId: 0,
        queueOffset: this.nextOffset,
        maxMessages: defaults.TIMER_READ_MESSAGES,
      });
      for (const slice of records) {
        for (const message of decodeMessages(slice, { inflate: false })) {
          this.uncommittedDueMs = Math.min(this.uncommittedDueMs, this.take(message));
        }
      }
      const isEnd = nextBeginOffset <= this.nextOffset;
      this.nextOffset = nextBeginOffset;
      if (isEnd) break;
    } while (this.nextOffset < lastOffset && this.behindMessages > 0 && clock.monotonicMs() < endMs);
    await this.commit();
  }

  /** @returns when the message is due, or is to be stored anew. */
  private take(message: MessageExt): number {
    const { wheel, log, metrics, dequeuer, clock, logger } = this.parts;
    const { properties, physicalOffset, storeSize: sizeBytes } = message;
    this.lastStoreTimestamp = message.storeTimestamp;
    const wantedMs = dueMsOf(properties);
    const { rebuild } = this;
    if (rebuild !== undefined && message.queueOffset < rebuild.untilQueueOffset && rebuild.isDone(message, wantedMs)) {
      return Infinity;
    }
    if (wantedMs === undefined) {
      logger.warn(`a message of the timer topic (${message.msgId}) has no TIMER_OUT_MS and is never delivered`);
      return Infinity;
    }
    const nowMs = clock.nowMs();
    const deleteKey = cancelledKeyOf(properties);
    const rollMs = this.rollTime(wantedMs, message.storeTimestamp);
    const dueMs = Math.max(rollMs ?? wantedMs, dequeuer.earliestDueMs, dequeuer.readTimeMs + 1);
    const magic =
      MAGIC_DEFAULT | (rollMs === undefined ? 0 : MAGIC_ROLL) | (deleteKey === undefined ? 0 : MAGIC_DELETE);
    const slotMs = slotOf(dueMs);
    const unit = { previous: wheel.lastOf(slotMs), magic, dueMs, physicalOffset, sizeBytes };
    const realTopic = properties[MessageConst.REAL_TOPIC] ?? '';
    const position = log.add(unit, nowMs, javaStringHash(realTopic));
    wheel.add(slotMs, position, deleteKey === undefined ? 1 : -1);
    dequeuer.offer(unit, position, rollMs === undefined ? deleteKey : undefined);
    if (deleteKey === undefined) metrics?.add(realTopic, 1, nowMs);
    this.enqueued++;
    return dueMs;
  }

  /**
   * When a message that is due too far ahead is stored anew, or undefined. One that would be due shortly behind the window is stored anew in the middle of it, so that
   * the next step is not a short one. By the time when it was stored: a slave comes to the same.
   */
  private rollTime(dueMs: number, storeTimestamp: number): number | undefined {
    const window = this.parts.rollWindowMs;
    const beyondMs = dueMs - storeTimestamp - window;
    if (beyondMs < 0) return undefined;
    return storeTimestamp + (beyondMs < window / 3 ? Math.floor(window / 2) : window);
  }
}
