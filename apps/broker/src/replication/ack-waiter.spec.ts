import type { PendingAppend, PutStatus } from '@rocknest/store';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SLAVE_RETURN_MS } from './defaults.js';
import { AckWaiter, type AckWaiterConfig } from './ack-waiter.js';

/** What the waiter sees of a put. */
class Append {
  status: PutStatus = 'PUT_OK';
  reason: string | undefined;
  kept = false;
  readonly startedAtMs = performance.now();

  constructor(
    readonly endOffset: number,
    readonly waitStoreOk = true,
  ) {}

  keepRecord(): void {
    this.kept = true;
  }
}

const answered: string[] = [];
/** How far each slave is, and whether it is close enough to count. */
let acks: number[] = [];
let inSync = 0;

function waiterWith(config: Partial<AckWaiterConfig> = {}): AckWaiter {
  const slaves = {
    get inSyncSlaves() {
      return inSync;
    },
    ackedBy: (count: number) => [...acks].sort((a, b) => b - a)[count - 1] ?? -1,
  };
  const answer = (appends: readonly PendingAppend[]): void => {
    for (const { endOffset, status } of appends) answered.push(`${endOffset} ${status}`);
  };
  return new AckWaiter(
    slaves,
    // The waiter uses this alone.
    { replication: { answer } as unknown as ConstructorParameters<typeof AckWaiter>[1]['replication'] },
    {
      inSyncReplicas: 2,
      minInSyncReplicas: 1,
      allAckInSyncStateSet: false,
      enableAutoInSyncReplicas: false,
      slaveTimeout: 1_000,
      ...config,
    },
  );
}

function hold(waiter: AckWaiter, ...appends: Append[]): void {
  waiter.hold(appends as unknown as PendingAppend[]);
}

/** One slave more for each offset, all in sync. */
function slavesAt(...offsets: number[]): void {
  acks = offsets;
  inSync = offsets.length;
}

function taken(): string[] {
  return answered.splice(0);
}

beforeEach(() => {
  vi.useFakeTimers();
  slavesAt();
  taken();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('AckWaiter', () => {
  it('answers in log order what a report covers, and nothing else', () => {
    slavesAt(0);
    const waiter = waiterWith();
    const appends = [10, 20, 30].map((end) => new Append(end));
    hold(waiter, ...appends);
    expect(taken()).toEqual([]);
    expect(appends.every(({ kept }) => kept)).toBe(true);
    slavesAt(25);
    waiter.progress();
    expect(taken()).toEqual(['10 PUT_OK', '20 PUT_OK']);
    slavesAt(30);
    waiter.progress();
    expect(taken()).toEqual(['30 PUT_OK']);
    expect(waiter.pending).toBe(0);
  });

  it('answers at once what the slave already has, and what waits for nobody', () => {
    slavesAt(10);
    const waiter = waiterWith();
    hold(waiter, new Append(10), new Append(20, false), new Append(30));
    expect(taken()).toEqual(['10 PUT_OK', '20 PUT_OK']);
    waiter.close();
  });

  it('says SLAVE_NOT_AVAILABLE without a slave in sync', () => {
    hold(waiterWith(), new Append(10), new Append(20, false));
    expect(taken()).toEqual(['10 SLAVE_NOT_AVAILABLE', '20 PUT_OK']);
  });

  it('says FLUSH_SLAVE_TIMEOUT after slaveTimeout, and stops looking when nobody waits', () => {
    slavesAt(0);
    const waiter = waiterWith();
    hold(waiter, new Append(10));
    vi.advanceTimersByTime(500);
    hold(waiter, new Append(20));
    vi.advanceTimersByTime(650);
    expect(taken()).toEqual(['10 FLUSH_SLAVE_TIMEOUT']);
    vi.advanceTimersByTime(600);
    expect(taken()).toEqual(['20 FLUSH_SLAVE_TIMEOUT']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('answers who waits when the last slave goes as it answers who comes then', () => {
    slavesAt(0);
    const waiter = waiterWith();
    hold(waiter, new Append(10));
    slavesAt();
    waiter.progress();
    vi.advanceTimersByTime(SLAVE_RETURN_MS - 1);
    expect(taken()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(taken()).toEqual(['10 SLAVE_NOT_AVAILABLE']);
    slavesAt(0);
    const fewer = waiterWith({ enableAutoInSyncReplicas: true });
    hold(fewer, new Append(20));
    slavesAt();
    fewer.progress();
    vi.advanceTimersByTime(SLAVE_RETURN_MS);
    expect(taken()).toEqual(['20 PUT_OK']);
    vi.advanceTimersByTime(2_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets the last slave come back within a moment', () => {
    slavesAt(0);
    const waiter = waiterWith();
    hold(waiter, new Append(10));
    slavesAt();
    waiter.progress();
    slavesAt(0);
    waiter.progress();
    vi.advanceTimersByTime(SLAVE_RETURN_MS);
    expect(taken()).toEqual([]);
    slavesAt(10);
    waiter.progress();
    expect(taken()).toEqual(['10 PUT_OK']);
  });

  it('counts copies by inSyncReplicas', () => {
    slavesAt(100, 0);
    const waiter = waiterWith({ inSyncReplicas: 3 });
    hold(waiter, new Append(50));
    expect(taken()).toEqual([]);
    slavesAt(100, 60);
    waiter.progress();
    expect(taken()).toEqual(['50 PUT_OK']);
    hold(waiterWith({ inSyncReplicas: 1 }), new Append(500));
    expect(taken()).toEqual(['500 PUT_OK']);
  });

  it('waits for all that are in sync with allAckInSyncStateSet', () => {
    slavesAt(100, 100, 0);
    const waiter = waiterWith({ allAckInSyncStateSet: true });
    hold(waiter, new Append(50));
    expect(taken()).toEqual([]);
    slavesAt(100, 100, 50);
    waiter.progress();
    expect(taken()).toEqual(['50 PUT_OK']);
  });

  it('waits for fewer with enableAutoInSyncReplicas, never for fewer than minInSyncReplicas', () => {
    slavesAt(100);
    hold(waiterWith({ inSyncReplicas: 5, enableAutoInSyncReplicas: true }), new Append(50));
    expect(taken()).toEqual(['50 PUT_OK']);
    slavesAt();
    hold(waiterWith({ inSyncReplicas: 5, enableAutoInSyncReplicas: true }), new Append(60));
    expect(taken()).toEqual(['60 PUT_OK']);
    const waiter = waiterWith({ inSyncReplicas: 5, minInSyncReplicas: 3, enableAutoInSyncReplicas: true });
    slavesAt(100);
    hold(waiter, new Append(70));
    expect(taken()).toEqual([]);
    waiter.close();
  });

  it('refuses puts with fewer than minInSyncReplicas', () => {
    const waiter = waiterWith({ minInSyncReplicas: 2 });
    expect(waiter.refusal()).toMatchObject({ status: 'IN_SYNC_REPLICAS_NOT_ENOUGH' });
    slavesAt(0);
    expect(waiter.refusal()).toBeUndefined();
    slavesAt();
    expect(waiterWith().refusal()).toBeUndefined();
  });

  it('leaves nobody waiting when it is closed', () => {
    slavesAt(0);
    const waiter = waiterWith();
    hold(waiter, new Append(10));
    waiter.close();
    hold(waiter, new Append(20));
    expect(taken()).toEqual(['10 FLUSH_SLAVE_TIMEOUT', '20 FLUSH_SLAVE_TIMEOUT']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
