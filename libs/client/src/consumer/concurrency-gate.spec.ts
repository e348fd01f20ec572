import { describe, expect, it } from 'vitest';
import { ConcurrencyGate } from './concurrency-gate.js';

describe('ConcurrencyGate', () => {
  it('lets `limit` in, the others in order as places become free', async () => {
    const gate = new ConcurrencyGate(2);
    expect([gate.tryEnter(), gate.tryEnter(), gate.tryEnter()]).toEqual([true, true, false]);
    const order: number[] = [];
    const waiting = [1, 2].map((n) => gate.enter().then((entered) => order.push(entered ? n : -n)));
    expect([gate.running, gate.waiting]).toEqual([2, 2]);
    gate.leave();
    await waiting[0];
    expect([gate.running, gate.waiting]).toEqual([2, 1]);
    gate.leave();
    await waiting[1];
    expect(order).toEqual([1, 2]);
  });

  it('a closed gate lets nobody in and tells those who wait', async () => {
    const gate = new ConcurrencyGate(1);
    gate.tryEnter();
    const waiting = gate.enter();
    gate.close();
    expect(await waiting).toBe(false);
    expect(gate.tryEnter()).toBe(false);
    expect(await gate.enter()).toBe(false);
    expect(gate.running).toBe(1);
  });

  it('whenIdle resolves when the last one has left', async () => {
    const gate = new ConcurrencyGate(2);
    await gate.whenIdle();
    gate.tryEnter();
    gate.tryEnter();
    let idle = false;
    const whenIdle = gate.whenIdle().then(() => (idle = true));
    gate.leave();
    await Promise.resolve();
    expect(idle).toBe(false);
    gate.leave();
    await whenIdle;
    expect(idle).toBe(true);
  });
});
