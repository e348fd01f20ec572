import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MQAdmin, Producer, silentLogger } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ageFiles } from '../support/age-files.js';
import { RawConnection } from '../support/raw-remoting.js';
import { type RocknestCluster, startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { consumeTimestamp } from './support/consume-timestamp.js';
import { Lab } from './support/lab.js';
import { requireToolchain } from './support/toolchain.js';

const VERSIONS = ['4.9.8', '5.4.0'];
const FORMS = ['first', 'last', 'timestamp'] as const;
const WAIT_MS = 60_000;
const RESERVED_HOURS = 72;
const CLEAN_EXPIRED_CONSUMEQUEUE = 306;
const DELETE_EXPIRED_COMMITLOG = 329;
const MIB = 1024 * 1024;
/** Some 3 MiB in each topic, of which the last file or two of 1 MiB stay. */
const OLD = 900;
const OLD_BODY_BYTES = 3_500;
const LATER = 20;

let cluster: RocknestCluster;
let admin: MQAdmin;
let producer: Producer;
const labs: Lab[] = [];
/** Between the old and the later messages, a whole second. */
let timestampMs = 0;

const queueOf = (topic: string, queueId = 0) => ({ topic, brokerName: 'broker-a', queueId });
const oldTopic = (lab: Lab): string => lab.name('old');

async function send(topic: string, count: number, queueId = 0, bytes = 1): Promise<void> {
  const body = Buffer.alloc(bytes, 'x');
  for (let n = 0; n < count; n++) await producer.send({ topic, body }, { queue: queueOf(topic, queueId) });
}

/** Makes the broker delete what is older than its last files, of which the later messages are. */
async function deleteOldMessages(): Promise<void> {
  const logFolder = join(cluster.broker.storePath, 'commitlog');
  ageFiles(logFolder, RESERVED_HOURS + 1);
  const connection = await RawConnection.open(cluster.broker.brokerAddr);
  await connection.call(DELETE_EXPIRED_COMMITLOG, {});
  // Left are the file that takes messages, and the one that was made for the next.
  await waitFor(() => readdirSync(logFolder).length <= 2, 'the files to go', WAIT_MS);
  // Waits its turn behind the deletion.
  await connection.call(CLEAN_EXPIRED_CONSUMEQUEUE, {});
  connection.close();
}

beforeAll(async () => {
  requireToolchain();
  cluster = await startRocknestCluster({
    mappedFileSizeCommitLog: MIB,
    deleteCommitLogFilesInterval: 1,
    messageDelayLevel: '1s 1s 1s',
  });
  const { namesrvAddr } = cluster;
  admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  producer = new Producer({ namesrvAddr, group: 'PID_starts', logger: silentLogger, sendMsgTimeoutMs: 30_000 });
  await Promise.all([admin.start(), producer.start()]);
  labs.push(...(await Promise.all(VERSIONS.map((version) => Lab.start(version, namesrvAddr)))));
  for (const topic of labs.map(oldTopic)) await admin.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
  // In turn, so that the end of the log has messages of both.
  for (let n = 0; n < OLD; n++) for (const topic of labs.map(oldTopic)) await send(topic, 1, 0, OLD_BODY_BYTES);
  timestampMs = Math.ceil((Date.now() + 1) / 1_000) * 1_000;
  await waitFor(() => Date.now() > timestampMs, 'the next second');
  for (const topic of labs.map(oldTopic)) await send(topic, LATER);
  await deleteOldMessages();
});

afterAll(async () => {
  await Promise.all(labs.map((lab) => lab.stop()));
  await producer?.shutdown();
  await admin?.shutdown();
  await cluster?.stop();
});

type Form = (typeof FORMS)[number];

/** A consumer of the group of the form, started with that form or another. */
function start(lab: Lab, name: string, topic: string, group: string, from: Form, how = 'ok'): Promise<unknown> {
  const options = { name, group, topic, from, timestamp: consumeTimestamp(timestampMs), how };
  return lab.ask('push.start', options);
}

function offsets(lab: Lab, name: string, queueId = 0): number[] {
  const own = lab.begun(name).filter((one) => one.queueId === queueId && one.reconsumeTimes === 0);
  return own.map(({ offset }) => offset).sort((a, b) => a - b);
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

describe.each(VERSIONS)('start positions (item 5): the official Java client %s on our broker', (version) => {
  const lab = (): Lab => labs.find((one) => one.version === version)!;
  const groupOf = (form: Form): string => `GID_${lab().name(`old-${form}`)}`;

  it('new groups: a topic whose first messages are all there is consumed from its beginning in every form', async () => {
    const topic = lab().name('young');
    await admin.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
    await send(topic, 3);
    await Promise.all(
      FORMS.map((form) => start(lab(), `young-${form}`, topic, `GID_${lab().name(`young-${form}`)}`, form)),
    );
    for (const form of FORMS) {
      await waitFor(() => offsets(lab(), `young-${form}`).length >= 3, `all messages from ${form}`, WAIT_MS);
      expect(offsets(lab(), `young-${form}`), form).toEqual([0, 1, 2]);
      await lab().ask('push.shutdown', { name: `young-${form}` });
    }
  });

  it('new groups: a topic whose first messages were deleted is consumed from its first message left, its end, or the time', async () => {
    const topic = oldTopic(lab());
    const [min, end] = [await admin.minOffset(queueOf(topic)), await admin.maxOffset(queueOf(topic))];
    expect(end).toBe(OLD + LATER);
    expect(min).toBeGreaterThan(0);
    expect(min).toBeLessThan(OLD);
    await Promise.all(
      // Each message of the group that starts at the end fails once: its retry topic is consumed from the beginning all the same.
      FORMS.map((form) => start(lab(), form, topic, groupOf(form), form, form === 'last' ? 'fail-below:1' : 'ok')),
    );
    for (const form of FORMS) await lab().waitForQueues(form, topic, 1);
    await send(topic, 1);
    const expected = { first: range(min, end + 1), last: [end], timestamp: range(OLD, end + 1) };
    for (const form of FORMS) {
      const { length } = expected[form];
      await waitFor(() => offsets(lab(), form).length >= length, `${length} messages from ${form}`, WAIT_MS);
      expect(offsets(lab(), form), form).toEqual(expected[form]);
    }
    const again = (): string[] =>
      lab()
        .ended('last')
        .flatMap(({ messages }) => messages.filter((one) => one.reconsumeTimes === 1).map((one) => one.body));
    await waitFor(() => again().length === 1, 'the message that failed', WAIT_MS);
    await lab().ask('push.behave', { name: 'last', how: 'ok' });
  });

  it('known groups: a new queue of a known topic is consumed from its beginning in every form', async () => {
    const topic = oldTopic(lab());
    await admin.createTopic(topic, { readQueueNums: 2, writeQueueNums: 2 });
    const known = async (): Promise<number> => (await producer.fetchPublishMessageQueues(topic).catch(() => [])).length;
    await waitFor(async () => (await known()) === 2, 'the new queue', WAIT_MS);
    // There before any of the groups has found the queue.
    await send(topic, 3, 1);
    for (const form of FORMS) {
      await waitFor(() => offsets(lab(), form, 1).length >= 3, `the new queue from ${form}`, WAIT_MS);
      expect(offsets(lab(), form, 1), form).toEqual([0, 1, 2]);
    }
  });

  it('known groups go on with their progress, whatever form they are started with', async () => {
    const topic = oldTopic(lab());
    const next = await admin.maxOffset(queueOf(topic));
    await waitFor(
      async () => {
        // A group without a commit yet has none: the client commits first 10 s after its start.
        const offsetsOf = FORMS.map((form) => admin.consumerOffset(groupOf(form), queueOf(topic)).catch(() => -1));
        return (await Promise.all(offsetsOf)).every((offset) => offset === next);
      },
      'the commits',
      WAIT_MS,
    );
    for (const form of FORMS) await lab().ask('push.shutdown', { name: form });
    await send(topic, 2);
    const other = { first: 'last', last: 'timestamp', timestamp: 'first' } as const;
    await Promise.all(FORMS.map((form) => start(lab(), `${form}-again`, topic, groupOf(form), other[form])));
    for (const form of FORMS) {
      const name = `${form}-again`;
      await waitFor(() => offsets(lab(), name).length >= 2, `what ${form} had not got`, WAIT_MS);
      expect(offsets(lab(), name), form).toEqual([next, next + 1]);
      expect(offsets(lab(), name, 1), form).toEqual([]);
      await lab().ask('push.shutdown', { name });
    }
  });
});
