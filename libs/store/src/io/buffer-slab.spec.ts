import { describe, expect, it } from 'vitest';
import { BufferSlab } from './buffer-slab.js';

describe('a slab of buffers', () => {
  it('cuts buffers that do not overlap, and takes the one given back last first', () => {
    const slab = new BufferSlab(8, 3);
    const buffers = [slab.take(), slab.take(), slab.take()];
    expect(slab.take()).toBeUndefined();
    buffers.forEach((buffer, i) => buffer?.fill(i + 1));
    expect(Buffer.concat(buffers as Buffer[])).toEqual(Buffer.from([1, 2, 3].flatMap((i) => Array<number>(8).fill(i))));
    slab.give(buffers[0]!);
    slab.give(buffers[1]!);
    expect(slab.spareBytes).toBe(16);
    expect(slab.take()).toBe(buffers[1]);
    expect(slab.take()).toBe(buffers[0]);
    expect(slab.spareBytes).toBe(0);
  });

  it('takes nothing back that is of other memory, or of memory that it gave up', () => {
    const slab = new BufferSlab(8, 1);
    const first = slab.take()!;
    slab.give(Buffer.alloc(8));
    expect(slab.take()).toBeUndefined();
    slab.release();
    slab.give(first);
    const second = slab.take();
    expect(second?.buffer).not.toBe(first.buffer);
    expect(slab.take()).toBeUndefined();
  });

  it('lets go of its memory when half of its buffers are lost, and cuts new memory after it was released', () => {
    const slab = new BufferSlab(8, 4);
    const [first, second, third] = [slab.take()!, slab.take()!, slab.take()!];
    slab.lose(first);
    slab.give(third);
    expect(slab.spareBytes).toBe(8);
    expect(slab.take()).toBe(third);
    slab.lose(second);
    expect(slab.spareBytes).toBe(0);
    slab.give(third);
    expect(slab.take()).toBeUndefined();
    slab.release();
    expect(slab.take()?.buffer).not.toBe(first.buffer);
  });
});
