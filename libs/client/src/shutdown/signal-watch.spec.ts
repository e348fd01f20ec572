import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { SignalWatch } from './signal-watch.js';

class FakeProcess extends EventEmitter {
  readonly pid = 7;
  readonly kills: string[] = [];
  kill(pid: number, signal: string): void {
    this.kills.push(`${pid} ${signal}`);
  }
}

function watch(source: FakeProcess, calls: string[]): SignalWatch {
  const made = new SignalWatch(['SIGTERM', 'SIGINT'], (signal) => calls.push(signal), source);
  made.start();
  return made;
}

describe('SignalWatch', () => {
  it('calls at once and leaves the signal to whoever else listens', () => {
    const source = new FakeProcess();
    const calls: string[] = [];
    watch(source, calls);
    source.on('SIGTERM', () => calls.push('nest'));
    source.emit('SIGTERM', 'SIGTERM');
    expect(calls).toEqual(['SIGTERM', 'nest']);
    expect(source.kills).toEqual([]);
  });

  it('lets the signal end the process when nobody else listens, once for all watches', () => {
    const source = new FakeProcess();
    const calls: string[] = [];
    watch(source, calls);
    watch(source, calls);
    source.emit('SIGINT', 'SIGINT');
    expect(calls).toEqual(['SIGINT', 'SIGINT']);
    expect(source.kills).toEqual(['7 SIGINT']);
  });

  it('stop() leaves no listener behind', () => {
    const source = new FakeProcess();
    const made = watch(source, []);
    made.stop();
    expect([source.listenerCount('SIGTERM'), source.listenerCount('SIGINT')]).toEqual([0, 0]);
  });
});
