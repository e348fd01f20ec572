import { connect, type Socket } from 'node:net';
import {
  decodeConsumerOffsetWrapper,
  decodeDelayOffsetWrapper,
  decodeHaTransferHeader,
  decodeTopicConfigSerializeWrapper,
  encodeDeleteTopicInBrokerRequest,
  encodeHaReport,
  encodeUpdateConsumerOffsetRequest,
  HA_TRANSFER_HEADER_BYTES,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { waitFor } from '../support/wait-for.js';
import { BrokerGroup } from './support/broker-group.js';
import { Clients, uniqueName } from './support/clients.js';

let group: BrokerGroup;
const closers: (() => unknown)[] = [];

beforeEach(() => {
  group = new BrokerGroup();
});

afterEach(async () => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  await group.close();
});

function clientOf(address: string): BrokerClient {
  const client = new BrokerClient(address);
  closers.push(() => client.close());
  return client;
}

async function fill(client: BrokerClient, topic: string, count: number, from = 0): Promise<void> {
  const sends = Array.from({ length: count }, (_, i) => client.send(topic, `${from + i} `.padEnd(1_000, 'x')));
  for (const reply of await Promise.all(sends)) expect(reply.code).toBe(ResponseCode.SUCCESS);
}

async function texts(client: BrokerClient, topic: string): Promise<string[]> {
  const consumers = uniqueName('readers');
  const found: string[] = [];
  for (let offset = 0; ;) {
    const reply = await client.pull(consumers, topic, offset, { subscription: '*' });
    if (reply.messages.length === 0) return found;
    found.push(...reply.messages.map(({ body }) => body.toString().trimEnd().split(' ')[0]));
    offset = reply.nextBeginOffset!;
  }
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

/** A slave made of bytes: reports what the test wants, and keeps what the master sends. */
class RawSlave {
  readonly frames: { physicalOffset: number; body: Buffer }[] = [];
  closed = false;
  private pending = Buffer.alloc(0);

  private constructor(private readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
    socket.on('data', (bytes) => {
      this.pending = Buffer.concat([this.pending, bytes]);
      while (this.pending.length >= HA_TRANSFER_HEADER_BYTES) {
        const { physicalOffset, bodyBytes } = decodeHaTransferHeader(this.pending, 0, 4 << 20);
        const end = HA_TRANSFER_HEADER_BYTES + bodyBytes;
        if (this.pending.length < end) return;
        this.frames.push({ physicalOffset, body: Buffer.from(this.pending.subarray(HA_TRANSFER_HEADER_BYTES, end)) });
        this.pending = this.pending.subarray(end);
      }
    });
    closers.push(() => socket.destroy());
  }

  static async connect(haAddress: string | undefined): Promise<RawSlave> {
    const [host, port] = haAddress!.split(':');
    const socket = connect({ host, port: Number(port) });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawSlave(socket);
  }

  report(physicalOffset: number): void {
    this.write(encodeHaReport(physicalOffset));
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  get log(): Buffer {
    return Buffer.concat(this.frames.map(({ body }) => body));
  }
}

describe('a slave', () => {
  it('has the log of its master byte for byte, and goes on after either of them was stopped', async () => {
    const topic = uniqueName('topic');
    let master = clientOf((await group.start(0)).address);
    await fill(master, topic, 150);
    // The slave gets the last file only: earlier ones are read from the master.
    await group.start(1);
    await waitFor(
      () => group.segments(1)[Object.keys(group.segments(0)).at(-1)!] === Object.values(group.segments(0)).at(-1),
    );
    expect(Object.keys(group.segments(1))).toHaveLength(1);

    await fill(master, topic, 150, 150);
    await group.stop(1);
    await fill(master, topic, 100, 300);
    const slave = clientOf((await group.start(1)).address);
    const caughtUp = (): boolean => {
      const [ofSlave, ofMaster] = [group.segments(1), group.segments(0)];
      return (
        Object.keys(ofMaster).at(-1)! in ofSlave &&
        Object.entries(ofSlave).every(([name, sha]) => ofMaster[name] === sha)
      );
    };
    await waitFor(caughtUp, 'the slave to catch up');

    await group.stop(0);
    master = clientOf((await group.start(0)).address);
    await fill(master, topic, 50, 400);
    await waitFor(caughtUp, 'the slave to find its master again');
    const anywhere = (): ReturnType<BrokerClient['pull']> =>
      slave.pull(uniqueName('g'), topic, 449, { subscription: '*' });
    const min = await waitFor(async () => (await anywhere()).minOffset, 'the slave to know the topic');
    expect(min).toBeGreaterThan(0);
    const ofSlave = await slave.pull(uniqueName('g'), topic, min, { subscription: '*' });
    const ofMaster = await master.pull(uniqueName('g'), topic, min, { subscription: '*' });
    expect(ofSlave.messages.length).toBeGreaterThan(0);
    expect(ofSlave.messages[0]).toEqual(ofMaster.messages[0]);
  });

  it('that is there from the beginning has everything, and serves it', async () => {
    const topic = uniqueName('topic');
    const master = clientOf((await group.start(0)).address);
    const slave = clientOf((await group.start(1)).address);
    await fill(master, topic, 120);
    await group.replicated();
    await waitFor(async () => (await texts(slave, topic)).length === 120);
    expect(await texts(slave, topic)).toEqual(numbers(120));
  });

  it('takes topics, groups and offsets over, deletions included', async () => {
    const [topic, other] = [uniqueName('topic'), uniqueName('other')];
    const consumers = uniqueName('group');
    const master = clientOf((await group.start(0)).address);
    const slave = clientOf((await group.start(1)).address);
    await fill(master, topic, 3);
    await fill(master, other, 1);
    await master.heartbeat(consumers, { [topic]: '*' });
    const commit = { consumerGroup: consumers, topic, queueId: 0, commitOffset: 2 };
    await master.request(RequestCode.UPDATE_CONSUMER_OFFSET, encodeUpdateConsumerOffsetRequest(commit));
    await master.send(topic, 'late', { propertyMap: { DELAY: '1' } });

    const topicsOf = async (client: BrokerClient): Promise<string[]> => {
      const { bodyBuffer } = await client.request(RequestCode.GET_ALL_TOPIC_CONFIG);
      return Object.keys(decodeTopicConfigSerializeWrapper(bodyBuffer).topicConfigTable).sort();
    };
    const offsetOf = async (client: BrokerClient): Promise<number | undefined> => {
      const { bodyBuffer } = await client.request(RequestCode.GET_ALL_CONSUMER_OFFSET);
      return decodeConsumerOffsetWrapper(bodyBuffer).offsetTable.get(`${topic}@${consumers}`)?.get(0);
    };
    const delayOf = async (client: BrokerClient): Promise<number | undefined> => {
      const { bodyBuffer } = await client.request(RequestCode.GET_ALL_DELAY_OFFSET);
      return decodeDelayOffsetWrapper(bodyBuffer).offsetTable.get(1);
    };
    await waitFor(async () => (await topicsOf(slave)).includes(other));
    expect(await topicsOf(slave)).toEqual(await topicsOf(master));
    await waitFor(async () => (await offsetOf(slave)) === 2, 'the consumer offset');
    await waitFor(async () => (await delayOf(slave)) === 1, 'the offset of the delay level');

    await master.request(RequestCode.DELETE_TOPIC_IN_BROKER, encodeDeleteTopicInBrokerRequest({ topic: other }));
    await waitFor(async () => !(await topicsOf(slave)).includes(other), 'the topic to go');
    await group.stop(1);
    const again = clientOf((await group.start(1)).address);
    expect(await offsetOf(again)).toBe(2);
    expect(await topicsOf(again)).toContain(topic);
  });

  it('takes no messages and no changes of topics', async () => {
    const topic = uniqueName('topic');
    const master = clientOf((await group.start(0)).address);
    const slave = clientOf((await group.start(1)).address);
    await fill(master, topic, 1);
    await group.replicated();
    for (const name of [topic, uniqueName('new')]) {
      await waitFor(async () => (await slave.send(topic, 'x')).code === ResponseCode.SERVICE_NOT_AVAILABLE);
      const reply = await slave.send(name, 'x');
      expect(reply.code).toBe(ResponseCode.SERVICE_NOT_AVAILABLE);
      expect(reply.remark).toContain('slave');
    }
    const removal = encodeDeleteTopicInBrokerRequest({ topic });
    const refused = await slave.request(RequestCode.DELETE_TOPIC_IN_BROKER, removal);
    expect(refused.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(refused.remark).toContain('slave');
    await waitFor(async () => (await texts(slave, topic)).join() === '0', 'the message from the slave');
  });

  it('keeps consumers that ask for what it does not have yet, instead of sending them back', async () => {
    const topic = uniqueName('topic');
    const master = clientOf((await group.start(0)).address);
    const slave = clientOf((await group.start(1)).address);
    await fill(master, topic, 2);
    await waitFor(async () => (await texts(slave, topic)).length === 2);
    const reply = await slave.pull(uniqueName('g'), topic, 100, { subscription: '*' });
    expect(reply).toMatchObject({ code: ResponseCode.PULL_NOT_FOUND, nextBeginOffset: 100, suggestWhichBrokerId: 0 });
    expect(await master.pull(uniqueName('g'), topic, 100, { subscription: '*' })).toMatchObject({
      code: ResponseCode.PULL_OFFSET_MOVED,
      nextBeginOffset: 2,
    });
  });

  it('sends consumers to its master with slaveReadEnable=false', async () => {
    const topic = uniqueName('topic');
    const master = clientOf((await group.start(0)).address);
    const slave = clientOf((await group.start(1, { slaveReadEnable: false })).address);
    await fill(master, topic, 2);
    await group.replicated();
    const answer = (): ReturnType<BrokerClient['pull']> => slave.pull(uniqueName('g'), topic, 0, { subscription: '*' });
    await waitFor(async () => (await answer()).code !== ResponseCode.TOPIC_NOT_EXIST);
    expect(await answer()).toMatchObject({
      code: ResponseCode.PULL_RETRY_IMMEDIATELY,
      suggestWhichBrokerId: 0,
      messages: [],
    });
  });

  it('feeds consumers while its master is gone; they go on with the master when it is back', async () => {
    const topic = uniqueName('topic');
    const clients = new Clients((await group.start(0), group.namesrvAddr));
    closers.push(() => clients.shutdown());
    const slave = await group.start(1);
    const producer = await clients.producer();
    const send = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i++) await producer.send({ topic, body: Buffer.from(String(i)) });
    };
    await send(0, 10);
    const raw = clientOf(slave.address);
    await group.replicated();
    await waitFor(
      async () => (await raw.pull(uniqueName('g'), topic, 0, { subscription: '*' })).code === ResponseCode.SUCCESS,
    );
    await group.stop(0);
    const { received } = await clients.consumer(topic, { pollNameServerIntervalMs: 200, heartbeatIntervalMs: 200 });
    await waitFor(() => received.length >= 10, 'the messages from the slave');
    const master = await group.start(0);
    await waitFor(async () => (await clientOf(master.address).send(topic, 'after')).code === ResponseCode.SUCCESS);
    await waitFor(() => received.some(({ text }) => text === 'after'), 'a message that came after the return');
    expect(new Set(received.map(({ text }) => text))).toEqual(new Set([...numbers(10), 'after']));
  });
});

describe('the HA protocol of a master', () => {
  it('is the log in frames behind 12 bytes of header, from the offset of the first report on', async () => {
    const topic = uniqueName('topic');
    const { address, haAddress } = await group.start(0, { haTransferBatchSize: 4_096 });
    const master = clientOf(address);
    await fill(master, topic, 30);
    const slave = await RawSlave.connect(haAddress);
    slave.report(0);
    const end = (): number => slave.log.length;
    await waitFor(() => end() > 30_000);
    expect(slave.frames[0].physicalOffset).toBe(0);
    for (const { body } of slave.frames) expect(body.length).toBeLessThanOrEqual(4_096);
    const half = 1_000;
    const second = await RawSlave.connect(haAddress);
    second.report(half);
    await waitFor(() => second.log.length === end() - half);
    expect(second.frames[0].physicalOffset).toBe(half);
    expect(second.log.equals(slave.log.subarray(half))).toBe(true);
    // Nothing more to send: signs of life, with the offset that comes next.
    const beat = await waitFor(() => slave.frames.find(({ body }) => body.length === 0));
    expect(beat.physicalOffset).toBe(end());
  });

  it('sends nothing before the first report', async () => {
    const { address, haAddress } = await group.start(0);
    const slave = await RawSlave.connect(haAddress);
    const other = await RawSlave.connect(haAddress);
    other.report(0);
    await fill(clientOf(address), uniqueName('topic'), 3);
    await waitFor(() => other.log.length > 3_000);
    expect(slave.frames).toEqual([]);
  });

  it('cuts lines that are silent, say nonsense, or come too many', async () => {
    const { haAddress } = await group.start(0, { haHousekeepingInterval: 300, haMaxConnections: 3 });
    const [silent, negative, ahead] = [
      await RawSlave.connect(haAddress),
      await RawSlave.connect(haAddress),
      await RawSlave.connect(haAddress),
    ];
    const tooMany = await RawSlave.connect(haAddress);
    await waitFor(() => tooMany.closed);
    negative.write(Buffer.alloc(8, 0xff));
    await waitFor(() => negative.closed);
    ahead.report(10_000_000);
    await waitFor(() => ahead.closed);
    await waitFor(() => silent.closed);
    const log = group.log.join('\n');
    expect(log).toContain('haMaxConnections');
    expect(log).toContain('different histories');
    expect(log).toContain('haHousekeepingInterval');
  });
});

describe('SYNC_MASTER', () => {
  const SYNC = { brokerRole: 'SYNC_MASTER', slaveTimeout: 300 } as const;

  it('answers when a slave has the message', async () => {
    const topic = uniqueName('topic');
    const master = clientOf((await group.start(0, { ...SYNC, slaveTimeout: 10_000 })).address);
    await group.start(1);
    await waitFor(async () => (await master.send(topic, 'first')).code === ResponseCode.SUCCESS);
    await fill(master, topic, 100);
    const replies = await Promise.all(Array.from({ length: 200 }, (_, i) => master.send(topic, String(i))));
    expect(new Set(replies.map(({ code }) => code))).toEqual(new Set([ResponseCode.SUCCESS]));
    await group.replicated();
  });

  it('answers SLAVE_NOT_AVAILABLE without a slave; the message is stored; WAIT=false waits for nobody', async () => {
    const topic = uniqueName('topic');
    const master = clientOf((await group.start(0, SYNC)).address);
    const reply = await master.send(topic, '0');
    expect(reply).toMatchObject({ code: ResponseCode.SLAVE_NOT_AVAILABLE, queueOffset: 0 });
    expect(reply.msgId).not.toBe('');
    expect((await master.send(topic, '1', { propertyMap: { WAIT: 'false' } })).code).toBe(ResponseCode.SUCCESS);
    expect(await texts(master, topic)).toEqual(['0', '1']);
  });

  it('answers FLUSH_SLAVE_TIMEOUT when the slave does not have it in time, and SUCCESS when it reports it', async () => {
    const topic = uniqueName('topic');
    const { address, haAddress } = await group.start(0, SYNC);
    const master = clientOf(address);
    const slave = await RawSlave.connect(haAddress);
    slave.report(0);
    await waitFor(async () => (await master.send(topic, 'x')).code === ResponseCode.FLUSH_SLAVE_TIMEOUT);
    expect((await master.send(topic, 'y')).code).toBe(ResponseCode.FLUSH_SLAVE_TIMEOUT);
    const reporting = setInterval(() => slave.report(slave.log.length), 5);
    closers.push(() => clearInterval(reporting));
    await waitFor(async () => (await master.send(topic, 'z')).code === ResponseCode.SUCCESS);
  });

  it('stores nothing with fewer than minInSyncReplicas', async () => {
    const topic = uniqueName('topic');
    const { address, haAddress } = await group.start(0, { ...SYNC, minInSyncReplicas: 2 });
    const master = clientOf(address);
    const refused = await master.send(topic, 'x');
    expect(refused.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(refused.remark).toContain('minInSyncReplicas');
    const slave = await RawSlave.connect(haAddress);
    slave.report(0);
    const reporting = setInterval(() => slave.report(slave.log.length), 5);
    closers.push(() => clearInterval(reporting));
    await waitFor(async () => (await master.send(topic, '0')).code === ResponseCode.SUCCESS);
    expect(await texts(master, topic)).toEqual(['0']);
  });

  it('waits for as many as inSyncReplicas says, or fewer with enableAutoInSyncReplicas', async () => {
    const topic = uniqueName('topic');
    const three = await group.start(0, { ...SYNC, inSyncReplicas: 3 });
    const slaves = [await RawSlave.connect(three.haAddress), await RawSlave.connect(three.haAddress)];
    let reporters = 1;
    for (const slave of slaves) slave.report(0);
    const reporting = setInterval(() => {
      for (const slave of slaves.slice(0, reporters)) slave.report(slave.log.length);
    }, 5);
    closers.push(() => clearInterval(reporting));
    const master = clientOf(three.address);
    await waitFor(async () => (await master.send(topic, 'x')).code === ResponseCode.FLUSH_SLAVE_TIMEOUT);
    reporters = 2;
    await waitFor(async () => (await master.send(topic, 'x')).code === ResponseCode.SUCCESS);
    await group.stop(0);
    const auto = await group.start(0, { ...SYNC, inSyncReplicas: 3, enableAutoInSyncReplicas: true });
    // The master alone is all that is in sync: nobody is waited for.
    expect((await clientOf(auto.address).send(topic, 'x')).code).toBe(ResponseCode.SUCCESS);
  });
});

describe('a start is refused', () => {
  it.each([
    [{ brokerId: 1, brokerRole: 'ASYNC_MASTER' as const }, 'the id of a master is 0'],
    [{ brokerId: 0, brokerRole: 'SLAVE' as const }, 'an id of its own'],
    [{ brokerId: 1, brokerRole: 'SLAVE' as const, namesrvAddr: '' }, 'set namesrvAddr'],
  ])('with %j', async (settings, text) => {
    await expect(group.start(0, settings)).rejects.toThrow(text);
  });
});
