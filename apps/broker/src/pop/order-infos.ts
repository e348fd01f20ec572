import type { PopOrderCount } from '@rocknest/protocol';
import { popRetryFlagOf } from '@rocknest/protocol';
import type { Clock } from '../clock.js';
import type { ConsumerOrderInfoTable, OrderInfoEntry, OrderInfoState } from '../metadata/index.js';
import { ORDER_INFO_LIFE_MS } from './defaults.js';

/** A pop in order that found something. */
export interface OrderlyPop {
  readonly attemptId: string | undefined;
  readonly topic: string;
  readonly group: string;
  readonly queueId: number;
  readonly popTimeMs: number;
  readonly invisibleMs: number;
  /** At least one. */
  readonly offsets: readonly number[];
}

/** Why an acknowledgement moved nothing: nothing popped is known by that offset, or it was popped again since. */
export type OrderlyAckRefusal = 'UNKNOWN_OFFSET' | 'POPPED_AGAIN';

/**
 * Which messages each group popped in order: a queue gives nothing more until they are acknowledged, or visible again.
 *
 * Follows `broker/offset/ConsumerOrderInfoManager.java`.
 */
export class OrderInfos {
  constructor(
    private readonly table: ConsumerOrderInfoTable,
    private readonly clock: Clock,
  ) {}

  /** Notes what was popped. @returns how often the queue and its messages were popped before. */
  popped(pop: OrderlyPop): PopOrderCount[] {
    const { topic, group, queueId, offsets, attemptId } = pop;
    const before = this.table.get(topic, group, queueId)?.state;
    const counts = before === undefined ? {} : countsAfter(before, offsets, attemptId);
    this.table.put(topic, group, queueId, {
      popTime: pop.popTimeMs,
      i: pop.invisibleMs,
      o: offsets.map((offset, index) => (index === 0 ? offset : offset - offsets[0])),
      ...(Object.keys(counts).length > 0 && { oc: counts }),
      l: this.clock(),
      cm: 0,
      ...(attemptId !== undefined && { a: attemptId }),
    });
    const retry = popRetryFlagOf(topic);
    const known = Object.entries(counts).map(([offset, count]) => ({
      retry,
      queueId,
      queueOffset: Number(offset),
      count,
    }));
    // Old clients know only the queue's count: that of its message that came least often.
    const least = known.length < offsets.length ? 0 : Math.min(...known.map(({ count }) => count));
    return [...known, { retry, queueId, count: least }];
  }

  /** True while the queue must give nothing: not to another attempt than the one that holds its messages. */
  isBlocked(attemptId: string | undefined, topic: string, group: string, queueId: number): boolean {
    const state = this.table.get(topic, group, queueId)?.state;
    if (state === undefined || (state.a !== undefined && state.a === attemptId)) return false;
    return freeAtMs(state) > this.clock();
  }

  /** When the queue gives messages again if nothing is acknowledged; undefined: now. */
  blockedUntilMs(topic: string, group: string, queueId: number): number | undefined {
    const state = this.table.get(topic, group, queueId)?.state;
    if (state === undefined) return undefined;
    const freeMs = freeAtMs(state);
    return freeMs > this.clock() ? freeMs : undefined;
  }

  /** @returns the offset that may be committed, or why nothing is. */
  acknowledge(
    topic: string,
    group: string,
    queueId: number,
    queueOffset: number,
    popTimeMs: number,
  ): number | OrderlyAckRefusal {
    const entry = this.table.get(topic, group, queueId);
    if (entry === undefined) return queueOffset + 1;
    const { state } = entry;
    if (popTimeMs !== state.popTime) return 'POPPED_AGAIN';
    const index = offsetsOf(state).indexOf(queueOffset);
    if (index < 0) return 'UNKNOWN_OFFSET';
    state.cm = withBit(state.cm, index);
    this.table.changed(entry);
    return committable(state);
  }

  /** @returns false when the message is not among those that are popped. */
  changeVisibleTime(
    topic: string,
    group: string,
    queueId: number,
    queueOffset: number,
    popTimeMs: number,
    visibleAtMs: number,
  ): boolean {
    const entry = this.table.get(topic, group, queueId);
    if (entry === undefined || entry.state.popTime !== popTimeMs) return false;
    if (!offsetsOf(entry.state).includes(queueOffset)) return false;
    entry.state.ot = { ...entry.state.ot, [queueOffset]: visibleAtMs };
    this.table.changed(entry);
    return true;
  }

  /** The group begins elsewhere in the queue. */
  clear(topic: string, group: string, queueId: number): void {
    const entry = this.table.get(topic, group, queueId);
    if (entry !== undefined) this.table.delete(entry);
  }

  /** Forgets queues that are not there any more, and those not popped for a day. */
  clean(exists: (entry: OrderInfoEntry) => boolean): void {
    const oldestMs = this.clock() - ORDER_INFO_LIFE_MS;
    for (const entry of [...this.table.all()]) {
      if (entry.state.l < oldestMs || !exists(entry)) this.table.delete(entry);
    }
  }

  /** All that are kept: at a start their ends must be waited for. */
  all(): Iterable<OrderInfoEntry> {
    return this.table.all();
  }
}

function offsetsOf({ o }: OrderInfoState): number[] {
  return o.map((offset, index) => (index === 0 ? offset : o[0] + offset));
}

/** Bits of up to 53 messages, without the 32-bit arithmetic of `|`. */
function hasBit(bits: number, index: number): boolean {
  return Math.floor(bits / 2 ** index) % 2 === 1;
}

function withBit(bits: number, index: number): number {
  return hasBit(bits, index) ? bits : bits + 2 ** index;
}

/** When the last of the messages that are not acknowledged is visible; 0 when all are. */
function freeAtMs(state: OrderInfoState): number {
  return offsetsOf(state).reduce(
    (latest, offset, index) =>
      hasBit(state.cm, index) ? latest : Math.max(latest, state.ot?.[offset] ?? state.popTime + state.i),
    0,
  );
}

/** The first offset that is not acknowledged. */
function committable(state: OrderInfoState): number {
  const offsets = offsetsOf(state);
  const first = offsets.findIndex((_, index) => !hasBit(state.cm, index));
  return first < 0 ? offsets[offsets.length - 1] + 1 : offsets[first];
}

/** How often messages were popped, the pop before this one included; an attempt that is repeated does not count. */
function countsAfter(
  before: OrderInfoState,
  offsets: readonly number[],
  attemptId: string | undefined,
): Record<string, number> {
  if (before.a !== undefined && before.a === attemptId) return { ...before.oc };
  const poppedBefore = new Set(offsetsOf(before));
  const counts: Record<string, number> = {};
  for (const offset of offsets) if (poppedBefore.has(offset)) counts[offset] = (before.oc?.[offset] ?? 0) + 1;
  return counts;
}
