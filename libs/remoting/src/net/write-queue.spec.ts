import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WRITE_PAGE_BYTES } from '../defaults.js';
import { flushWrites, WriteQueue } from './write-queue.js';

/** A socket that keeps what it gets until it is told that the kernel took it. */
class SlowSocket {
  writableLength = 0;
  readonly sent: string[] = [];
  readonly callbacks: (() => void)[] = [];
  isSlow = true;

  write(bytes: Buffer, callback: () => void): void {
    this.sent.push(bytes.toString());
    this.callbacks.push(callback);
    if (this.isSlow) this.writableLength += bytes.length;
  }

  cork(): void {}

  uncork(): void {}
}

function queueOf(socket: SlowSocket): { queue: WriteQueue; seen: string[]; total: { bytes: number } } {
  const seen: string[] = [];
  const total = { bytes: 0 };
  const queue = new WriteQueue(
    socket as unknown as Socket,
    total,
    () => seen.push('backlog'),
    () => seen.push('progress'),
  );
  return { queue, seen, total };
}

describe('WriteQueue', () => {
  it('tells of progress although a further write has noticed it first', () => {
    const socket = new SlowSocket();
    const { queue, seen, total } = queueOf(socket);
    queue.push(Buffer.from('one'));
    flushWrites();
    expect(seen).toEqual(['backlog']);
    expect(total.bytes).toBe(3);
    // The kernel takes all of it; before the socket's callback runs, more is sent and taken at once.
    socket.writableLength = 0;
    socket.isSlow = false;
    queue.push(Buffer.from('two'));
    flushWrites();
    expect(total.bytes).toBe(0);
    expect(seen).toEqual(['backlog']);
    socket.callbacks[0]();
    expect(seen).toEqual(['backlog', 'progress']);
  });

  it('sends frames in order, whether encoded in place, copied or passed on', () => {
    const socket = new SlowSocket();
    socket.isSlow = false;
    const { queue } = queueOf(socket);
    const large = 'L'.repeat(10_000);
    queue.push(Buffer.from('a'));
    const page = queue.reserve(8);
    page.bytes.write('....bb', page.used);
    queue.commit(page.used + 6, page.used + 4);
    queue.pushAll([Buffer.from('c'), Buffer.from(large), Buffer.from('d')]);
    for (let i = 0; i < 5; i++) queue.push(Buffer.from(String(i).repeat(WRITE_PAGE_BYTES / 2 - 1)));
    flushWrites();
    const numbers = [0, 1, 2, 3, 4].map((i) => String(i).repeat(WRITE_PAGE_BYTES / 2 - 1)).join('');
    expect(socket.sent.join('')).toBe(`abbc${large}d${numbers}`);
  });

  it('leaves what a slow socket keeps alone', () => {
    const socket = new SlowSocket();
    const { queue } = queueOf(socket);
    const kept: Buffer[] = [];
    socket.write = (bytes: Buffer, callback: () => void): void => {
      kept.push(bytes);
      socket.callbacks.push(callback);
      socket.writableLength += bytes.length;
    };
    for (let i = 0; i < 50; i++) {
      queue.push(Buffer.from(`frame ${String(i).padStart(3, '0')};`));
      flushWrites();
    }
    expect(Buffer.concat(kept).toString()).toBe(
      Array.from({ length: 50 }, (_, i) => `frame ${String(i).padStart(3, '0')};`).join(''),
    );
  });
});
