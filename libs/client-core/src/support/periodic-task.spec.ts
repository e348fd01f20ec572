import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { PeriodicTask } from './periodic-task.js';

describe('PeriodicTask', () => {
  it('runs again after its interval and goes on after an error', async () => {
    let runs = 0;
    const errors: unknown[] = [];
    const task = new PeriodicTask(
      1,
      () => {
        runs++;
        if (runs === 1) throw new Error('first');
      },
      (error) => errors.push(error),
    );
    task.start(0);
    await waitFor(() => runs >= 3, 'three runs');
    await task.stop();
    const ended = runs;
    await task.wake();
    expect(runs).toBe(ended);
    expect(errors).toHaveLength(1);
  });

  it('never runs twice at once, and a wake during a run makes one more run that the caller waits for', async () => {
    let open: (() => void) | undefined;
    let runs = 0;
    let atOnce = 0;
    let most = 0;
    const task = new PeriodicTask(
      60_000,
      async () => {
        runs++;
        most = Math.max(most, ++atOnce);
        if (runs === 1) await new Promise<void>((resolve) => (open = resolve));
        atOnce--;
      },
      () => {},
    );
    const first = task.wake();
    const second = task.wake();
    const third = task.wake();
    open?.();
    await Promise.all([first, second, third]);
    expect(runs).toBe(2);
    expect(most).toBe(1);
    await task.stop();
  });

  it('waits in stop for the run under way and begins no other', async () => {
    let open: (() => void) | undefined;
    let ended = false;
    const task = new PeriodicTask(
      1,
      async () => {
        await new Promise<void>((resolve) => (open = resolve));
        ended = true;
      },
      () => {},
    );
    void task.wake();
    void task.wake();
    const stopped = task.stop();
    open?.();
    await stopped;
    expect(ended).toBe(true);
  });
});
