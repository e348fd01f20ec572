import { describe, expect, it } from 'vitest';
import { stopOnSignals } from './stop-on-signals.js';

function harness(close: () => Promise<void>) {
  let nowMs = 0;
  const exits: number[] = [];
  const log: string[] = [];
  const listeners = new Map<NodeJS.Signals, (signal: NodeJS.Signals) => void>();
  stopOnSignals(
    close,
    { log: (message) => log.push(message), error: (message) => log.push(message) },
    {
      on: (signal, listener) => listeners.set(signal, listener),
      exit: (code) => exits.push(code),
      nowMs: () => nowMs,
    },
  );
  return {
    exits,
    log,
    signal: (signal: NodeJS.Signals, atMs: number) => {
      nowMs = atMs;
      listeners.get(signal)?.(signal);
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('stopOnSignals', () => {
  it('closes once and exits with 0', async () => {
    let closed = 0;
    const h = harness(async () => void closed++);
    h.signal('SIGTERM', 0);
    await settled();
    expect([closed, h.exits, h.log]).toEqual([1, [0], ['SIGTERM: stopping; a second signal ends the process at once']]);
  });

  it('takes the two signals of one Ctrl-C for one, and a later one at its word', () => {
    const h = harness(() => new Promise(() => undefined));
    h.signal('SIGINT', 0);
    h.signal('SIGINT', 5);
    h.signal('SIGTERM', 999);
    expect(h.exits).toEqual([]);
    h.signal('SIGINT', 1_000);
    expect(h.exits).toEqual([130]);
  });

  it('says what went wrong and exits with 1', async () => {
    const h = harness(() => Promise.reject(new Error('no space')));
    h.signal('SIGINT', 0);
    await settled();
    expect(h.exits).toEqual([1]);
    expect(h.log[1]).toBe('could not stop cleanly: no space');
  });
});
