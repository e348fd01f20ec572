import type { ClientEvent } from './history.js';

/** A fault that hit the master of a group. */
export interface MasterLoss {
  readonly t: number;
  readonly group: string;
  readonly what: string;
}

export interface Outage extends MasterLoss {
  /** ms from the fault to the first acknowledgement of a message that was sent after it; undefined when there was none. */
  readonly withoutWritesMs: number | undefined;
  /** ms from the fault to the first answer to a read that was asked for after it. */
  readonly withoutReadsMs: number | undefined;
}

/** How long clients went without, after each loss of a master. `event.queue` begins with the name of the group and a colon. */
export function outagesOf(events: readonly ClientEvent[], losses: readonly MasterLoss[]): Outage[] {
  const invoked = new Map<string, number>();
  for (const event of events) if (event.e === 'invoke') invoked.set(`${event.lane}#${event.n}`, event.t);
  return losses.map((loss) => {
    const isOfGroup = (queue: string): boolean => queue.startsWith(`${loss.group}:`);
    const written = events.find(
      (event) =>
        event.e === 'ack' && isOfGroup(event.queue) && (invoked.get(`${event.lane}#${event.n}`) ?? 0) >= loss.t,
    );
    const read = events.find((event) => event.e === 'read' && event.since >= loss.t && isOfGroup(event.lane));
    return { ...loss, withoutWritesMs: since(loss, written), withoutReadsMs: since(loss, read) };
  });
}

/** A time in which nothing moved at all. */
export interface Suspension {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A loss that is closer to a suspension than this, ms, says nothing about the cluster. */
const SETTLING_MS = 20_000;

/** Losses that lie apart from every suspension. */
export function undisturbed(losses: readonly MasterLoss[], suspensions: readonly Suspension[]): MasterLoss[] {
  return losses.filter(({ t }) =>
    suspensions.every(({ fromMs, toMs }) => t + SETTLING_MS < fromMs || t - SETTLING_MS > toMs),
  );
}

/** The value that `share` of all values do not exceed. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

function since(loss: MasterLoss, event: ClientEvent | undefined): number | undefined {
  return event === undefined ? undefined : event.t - loss.t;
}
