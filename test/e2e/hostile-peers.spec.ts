import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { residentBytes } from '../support/child.js';
import { RawConnection, rawFrame } from '../support/raw-remoting.js';
import { createTopic, readQueue, sendMessage } from '../support/raw-requests.js';
import { BrokerProcess, type ConfigValues } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { hostileValues, malformed, requestCodes } from './support/hostile-frames.js';
import { HostileSocket } from './support/hostile-sockets.js';

const TOPIC = 'served';
const MIB = 1024 * 1024;
const CONNECTIONS = 5_000;
const FUZZED_FRAMES = 3_000;
const GET_MAX_OFFSET = 30;
const PULL_MESSAGE = 11;

let broker: BrokerProcess;
let sent = 0;

async function startBroker(config: ConfigValues = {}): Promise<BrokerProcess> {
  const started = await BrokerProcess.create({ config });
  await started.start();
  const connection = await RawConnection.open(started.brokerAddr);
  await createTopic(connection, TOPIC, 1);
  connection.close();
  return started;
}

beforeAll(async () => {
  broker = await startBroker();
});

afterAll(async () => {
  await broker?.remove();
});

/** A peer that behaves is served: its message is stored and read back. */
async function expectServing(server = broker): Promise<void> {
  const connection = await RawConnection.open(server.brokerAddr);
  const body = Buffer.from(`message ${sent++}`);
  const response = await sendMessage(connection, TOPIC, 0, body);
  expect(response.code, response.remark).toBe(0);
  const records = await readQueue(connection, TOPIC, 0);
  expect(records.at(-1)?.body.equals(body)).toBe(true);
  connection.close();
}

function resident(): number {
  return residentBytes(broker.pid) / MIB;
}

beforeEach(() => {
  expect(broker.process.running, broker.process.tail()).toBe(true);
});

describe.each(['broker', 'namesrv'] as const)('malformed frames at the %s', (server) => {
  const address = (): string => (server === 'broker' ? broker.brokerAddr : broker.namesrvAddr);

  it.each(malformed)('$what is answered or costs the connection', async ({ bytes }) => {
    const peer = await HostileSocket.open(address());
    peer.write(bytes);
    // A request behind it shows on a connection that lives that the server got over it.
    peer.write(rawFrame(77_777, 1, {}));
    await waitFor(() => peer.closed || peer.received > 0, 'an answer or the end of the connection');
    peer.destroy();
    await expectServing();
  });

  it('every request code with missing and hostile fields is answered', async () => {
    for (const code of requestCodes) {
      const connection = await RawConnection.open(address());
      for (const value of [undefined, ...hostileValues]) {
        const names = [
          'topic',
          'b',
          'queueId',
          'e',
          'offset',
          'consumerGroup',
          'group',
          'namespace',
          'brokerName',
          'key',
          'commitOffset',
        ];
        const fields = value === undefined ? {} : Object.fromEntries(names.map((name) => [name, value]));
        await connection
          .request(code, fields, value === undefined ? undefined : Buffer.from(value))
          .catch(() => undefined);
        if (connection.closed) break;
      }
      connection.close();
    }
    await expectServing();
  });

  it(`${FUZZED_FRAMES} frames with flipped bytes leave it serving`, async () => {
    let state = 20_240_607;
    const random = (limit: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return (state >>> 8) % limit;
    };
    let peer = await HostileSocket.open(address());
    for (let count = 0; count < FUZZED_FRAMES; count++) {
      const code = requestCodes[random(requestCodes.length)];
      const bytes = rawFrame(
        code,
        count,
        { topic: TOPIC, queueId: 0, consumerGroup: 'GID_fuzz' },
        Buffer.from('{"a":[1,2,{"b":"c"}]}'),
      );
      for (let flips = 1 + random(4); flips > 0; flips--) bytes[4 + random(bytes.length - 4)] = random(256);
      peer.write(bytes);
      if (count % 4 === 0) {
        peer.destroy();
        peer = await HostileSocket.open(address());
      }
    }
    peer.destroy();
    await expectServing();
  });
});

describe('peers that hold on to a connection', () => {
  let strict: BrokerProcess;

  beforeAll(async () => {
    strict = await startBroker({
      serverChannelMaxIdleTimeSeconds: 2,
      firstFrameTimeoutMs: 1_000,
      partialFrameTimeoutMs: 1_000,
    });
  });

  afterAll(async () => {
    await strict?.remove();
  });

  it('silent ones are closed', async () => {
    const peers = await Promise.all(Array.from({ length: 50 }, () => HostileSocket.open(strict.brokerAddr)));
    await Promise.all(peers.map((peer) => peer.waitForClose()));
    await expectServing(strict);
  });

  it('those that stop in the middle of a frame are closed', async () => {
    const whole = rawFrame(GET_MAX_OFFSET, 1, { topic: TOPIC, queueId: 0 });
    const cuts = [2, 4, 6, whole.length - 1];
    const peers = await Promise.all(cuts.map(() => HostileSocket.open(strict.brokerAddr)));
    peers.forEach((peer, at) => peer.write(whole.subarray(0, cuts[at])));
    await Promise.all(peers.map((peer) => peer.waitForClose()));
    await expectServing(strict);
  });

  it('those that ended their own half are closed, after an answer to what they asked', async () => {
    const peer = await HostileSocket.open(strict.brokerAddr);
    peer.socket.end(rawFrame(GET_MAX_OFFSET, 1, { topic: TOPIC, queueId: 0 }));
    await peer.waitForClose();
    expect(peer.received).toBeGreaterThan(0);
    await expectServing(strict);
  });

  it('those that were served once and then fell silent are closed', async () => {
    const peer = await HostileSocket.open(strict.brokerAddr);
    peer.write(rawFrame(GET_MAX_OFFSET, 1, { topic: TOPIC, queueId: 0 }));
    await waitFor(() => peer.received > 0, 'the answer');
    await peer.waitForClose();
    await expectServing(strict);
  });
});

describe('memory', () => {
  it('is not taken for frames that are only announced', async () => {
    const before = resident();
    const peers = await Promise.all(Array.from({ length: 300 }, () => HostileSocket.open(broker.brokerAddr)));
    const head = Buffer.alloc(8);
    head.writeInt32BE(16 * MIB - 8, 0);
    head.writeInt32BE(15 * MIB, 4);
    for (const peer of peers) peer.write(Buffer.concat([head, Buffer.alloc(16 * 1024, 0x20)]));
    await expectServing();
    const after = resident();
    for (const peer of peers) peer.destroy();
    console.log(`300 announced frames of 16 MiB: ${before.toFixed(0)} MiB before, ${after.toFixed(0)} MiB after`);
    expect(after - before).toBeLessThan(150);
  });

  it('stays bounded when clients ask for much and read nothing', async () => {
    const filler = await RawConnection.open(broker.brokerAddr);
    await createTopic(filler, 'bulk', 1);
    for (let count = 0; count < 64; count++)
      expect((await sendMessage(filler, 'bulk', 0, Buffer.alloc(64 * 1024, count))).code).toBe(0);
    filler.close();
    const before = resident();
    const peers = await Promise.all(
      Array.from({ length: 50 }, () => HostileSocket.open(broker.brokerAddr, { paused: true })),
    );
    const fields = {
      consumerGroup: 'GID_bulk',
      topic: 'bulk',
      queueId: 0,
      queueOffset: 0,
      maxMsgNums: 32,
      sysFlag: 4,
      commitOffset: 0,
      suspendTimeoutMillis: 0,
      subscription: '*',
      subVersion: 0,
      expressionType: 'TAG',
    };
    // Answered in full these would be 50 x 500 x 256 KiB = 6 GiB.
    for (let opaque = 1; opaque <= 500; opaque++)
      for (const peer of peers) peer.write(rawFrame(PULL_MESSAGE, opaque, fields));
    await expectServing();
    await expectServing();
    const after = resident();
    for (const peer of peers) peer.destroy();
    console.log(`50 clients that never read: ${before.toFixed(0)} MiB before, ${after.toFixed(0)} MiB after`);
    expect(after - before).toBeLessThan(400);
    await expectServing();
  });

  it(`stays bounded with ${CONNECTIONS} connections at once, each of which is served`, async () => {
    const before = resident();
    const connections: RawConnection[] = [];
    try {
      const opening = Array.from({ length: CONNECTIONS }, async () => {
        const connection = await RawConnection.open(broker.brokerAddr);
        connections.push(connection);
        expect((await connection.call(GET_MAX_OFFSET, { topic: TOPIC, queueId: 0 })).fields.offset).toBeDefined();
      });
      await Promise.all(opening).catch((error: unknown) => {
        throw new Error(`this needs a limit of open files (ulimit -Hn) above ${2 * CONNECTIONS}: ${String(error)}`, {
          cause: error,
        });
      });
      expect(connections.filter((connection) => !connection.closed)).toHaveLength(CONNECTIONS);
      const after = resident();
      console.log(`${CONNECTIONS} connections: ${before.toFixed(0)} MiB before, ${after.toFixed(0)} MiB after`);
      expect(after - before).toBeLessThan(250);
      await expectServing();
    } finally {
      for (const connection of connections) connection.close();
    }
    await expectServing();
  });
});
