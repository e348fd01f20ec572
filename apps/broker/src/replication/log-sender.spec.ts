import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { decodeHaTransferHeader, encodeHaTransferHeader, HA_TRANSFER_HEADER_BYTES } from '@rocknest/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { fill, rawLog, ReplicatedStores } from '../spec-support/replicated-stores.js';
import { LogSender } from './log-sender.js';

const BATCH_BYTES = 64 * 1024;
const MIB = 1024 * 1024;
/** More than the kernel keeps for a line whose other side does not read. */
const MAX_KERNEL_BYTES = 256 * MIB;
const PATIENCE_MS = 60_000;

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (let clean = cleanUps.pop(); clean !== undefined; clean = cleanUps.pop()) await clean();
});

/** Both ends of a connection. */
async function socketPair(): Promise<[near: Socket, far: Socket]> {
  const server = createServer({ noDelay: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = await accepted;
  cleanUps.push(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return [near, far];
}

describe('LogSender', () => {
  it('keeps one frame for a slave that does not read, holds up no put, and goes on where it was', async () => {
    const stores = new ReplicatedStores(16 * MIB);
    cleanUps.push(() => stores.close());
    const store = await stores.open('master');
    const [near, far] = await socketPair();
    const cuts: string[] = [];
    const frames = {
      headerBytes: HA_TRANSFER_HEADER_BYTES,
      maxBodyBytes: BATCH_BYTES,
      endOfFrame: () => Infinity,
      encodeHeader: (frame: Buffer, physicalOffset: number, bodyBytes: number) =>
        encodeHaTransferHeader(frame, 0, physicalOffset, bodyBytes),
      hasNews: () => false,
      isUrgent: () => false,
    };
    const sender = new LogSender(near, store, frames, (reason) => cuts.push(reason));
    store.replication.onWritten(() => sender.wake());
    sender.start(0);

    let highest = 0;
    const putMebibyte = async (): Promise<void> => {
      const sizes = Array.from({ length: 32 }, () => MIB / 32);
      for (const { status } of await Promise.all(fill(store, sizes))) expect(status).toBe('PUT_OK');
      highest = Math.max(highest, near.writableLength);
    };
    // Until the kernel takes no more: what was sent stays the same while the log grows.
    let stuckAt = -1;
    while (stuckAt !== sender.transferOffset) {
      expect(store.maxPhysicalOffset).toBeLessThan(MAX_KERNEL_BYTES);
      stuckAt = sender.transferOffset;
      for (let i = 0; i < 4; i++) await putMebibyte();
    }
    expect(near.writableLength).toBeGreaterThan(0);
    expect(highest).toBeLessThanOrEqual(HA_TRANSFER_HEADER_BYTES + BATCH_BYTES);

    const received: Buffer[] = [];
    let bytes = 0;
    far.on('data', (piece) => {
      received.push(piece);
      bytes += piece.length;
    });
    await waitFor(
      () => sender.transferOffset === store.maxPhysicalOffset && bytes === near.bytesWritten,
      'the slave to get the rest',
      PATIENCE_MS,
    );
    expect(near.writableLength).toBe(0);
    expect(cuts).toEqual([]);
    expect(bodies(Buffer.concat(received)).equals(await rawLog(store, 0))).toBe(true);
  });
});

/** What the frames carried, which must follow each other. */
function bodies(stream: Buffer): Buffer {
  const found: Buffer[] = [];
  let expected = 0;
  for (let at = 0; at < stream.length;) {
    const { physicalOffset, bodyBytes } = decodeHaTransferHeader(stream, at, BATCH_BYTES);
    expect(physicalOffset).toBe(expected);
    at += HA_TRANSFER_HEADER_BYTES;
    found.push(stream.subarray(at, at + bodyBytes));
    at += bodyBytes;
    expected += bodyBytes;
  }
  return Buffer.concat(found);
}
