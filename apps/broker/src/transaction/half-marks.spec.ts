import { describe, expect, it } from 'vitest';
import { HalfMarks } from './half-marks.js';
import { BoundedMap } from './bounded-memory.js';
import { immunityMs } from './immunity.js';
import { markedOffsets } from './op-batch.js';

describe('HalfMarks', () => {
  it('finds the next offset that is not marked', () => {
    const marks = new HalfMarks(1_003, 1_103);
    for (let offset = 1_003; offset < 1_103; offset++) if (offset !== 1_050) marks.add(offset);
    marks.add(1_002);
    marks.add(1_103);
    expect(marks.nextOpen(1_003)).toBe(1_050);
    expect(marks.nextOpen(1_051)).toBe(1_103);
    expect([marks.has(1_002), marks.has(1_003), marks.has(1_050), marks.has(1_103)]).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });
});

describe('markedOffsets', () => {
  it('reads the op messages of RocketMQ 5 and 4, and passes over what is no offset', () => {
    expect([...markedOffsets(Buffer.from('1,22,333,'))]).toEqual([1, 22, 333]);
    expect([...markedOffsets(Buffer.from('7'))]).toEqual([7]);
    expect([...markedOffsets(Buffer.from('x,-1,9999999999999999999,,5'))]).toEqual([5]);
  });
});

describe('immunityMs', () => {
  it('reads seconds; anything else is no immunity of its own', () => {
    expect(['60', '0', '', 'soon', '-1'].map(immunityMs)).toEqual([60_000, 0, undefined, undefined, undefined]);
  });
});

describe('BoundedMap', () => {
  it('forgets the oldest', () => {
    const map = new BoundedMap<number, number>(2);
    for (const key of [1, 2, 1, 3]) map.set(key, key);
    expect([1, 2, 3].map((key) => map.get(key))).toEqual([1, undefined, 3]);
  });
});
