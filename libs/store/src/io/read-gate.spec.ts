import { describe, expect, it } from 'vitest';
import { ReadGate } from './read-gate.js';

/** A read that ends when it is told to. */
function controlled(): { read: () => Promise<number>; end: () => void; fail: () => void; started: () => boolean } {
  let started = false;
  let end: () => void = () => undefined;
  let fail: () => void = () => undefined;
  const done = new Promise<number>((resolve, reject) => {
    end = () => resolve(1);
    fail = () => reject(new Error('EIO'));
  });
  const read = (): Promise<number> => {
    started = true;
    return done;
  };
  return { read, end: () => end(), fail: () => fail(), started: () => started };
}

describe('ReadGate', () => {
  it('runs so many reads at a time, and the others in the order of their coming', async () => {
    const gate = new ReadGate(2);
    const reads = Array.from({ length: 4 }, controlled);
    const results = reads.map(({ read }) => gate.run(read));
    expect(reads.map(({ started }) => started())).toEqual([true, true, false, false]);
    expect(gate.isFull).toBe(true);
    reads[1].end();
    await results[1];
    await Promise.resolve();
    expect(reads.map(({ started }) => started())).toEqual([true, true, true, false]);
    for (const { end } of reads) end();
    await expect(Promise.all(results)).resolves.toEqual([1, 1, 1, 1]);
    expect(gate.isFull).toBe(false);
  });

  it('gives the place of a failed read to the next', async () => {
    const gate = new ReadGate(1);
    const [first, second] = [controlled(), controlled()];
    const failed = gate.run(first.read);
    const waiting = gate.run(second.read);
    first.fail();
    await expect(failed).rejects.toThrow('EIO');
    second.end();
    await expect(waiting).resolves.toBe(1);
    expect(gate.isFull).toBe(false);
  });
});
