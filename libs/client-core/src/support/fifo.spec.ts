import { describe, expect, it } from 'vitest';
import { Fifo } from './fifo.js';

describe('Fifo', () => {
  it('gives back in order, through many pushes and shifts', () => {
    const fifo = new Fifo<number>();
    let pushed = 0;
    let shifted = 0;
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < 50; i++) fifo.push(pushed++);
      for (let i = 0; i < 45; i++) expect(fifo.shift()).toBe(shifted++);
      expect(fifo.length).toBe(pushed - shifted);
    }
    while (fifo.length > 0) expect(fifo.shift()).toBe(shifted++);
    expect(shifted).toBe(pushed);
    expect(fifo.shift()).toBeUndefined();
  });

  it('takes out what a test accepts', () => {
    const fifo = new Fifo<number>();
    for (let i = 0; i < 6; i++) fifo.push(i);
    fifo.shift();
    expect(fifo.removeWhere((item) => item % 2 === 1)).toEqual([1, 3, 5]);
    expect([fifo.shift(), fifo.shift(), fifo.shift()]).toEqual([2, 4, undefined]);
  });
});
