import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { RawRecord } from '../support/raw-record.js';
import { RawConnection } from '../support/raw-remoting.js';
import { createTopic, readQueue, sendMessage } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { overwriteLog, readLog } from '../support/store-files.js';
import { numberedBody, sequenceOf } from './support/numbered-body.js';

const TOPIC = 'torn-log';
const QUEUES = 4;
const MESSAGES = 200;
const SEGMENT_BYTES = 256 * 1024;

let broker: BrokerProcess | undefined;

afterEach(async () => {
  await broker?.remove();
  broker = undefined;
});

/** A broker with messages on all queues, killed. @returns what was stored, in the order of the log. */
async function killedBroker(): Promise<{ broker: BrokerProcess; records: RawRecord[] }> {
  broker = await BrokerProcess.create({ config: { mappedFileSizeCommitLog: SEGMENT_BYTES } });
  await broker.start();
  const connection = await RawConnection.open(broker.brokerAddr);
  await createTopic(connection, TOPIC, QUEUES);
  for (let sequence = 0; sequence < MESSAGES; sequence++) {
    const response = await sendMessage(connection, TOPIC, sequence % QUEUES, numberedBody(sequence));
    expect(response.code, response.remark).toBe(0);
  }
  const records = await readAll(connection);
  await broker.kill9();
  return { broker, records };
}

async function readAll(connection: RawConnection): Promise<RawRecord[]> {
  const queues: RawRecord[] = [];
  for (let queueId = 0; queueId < QUEUES; queueId++) queues.push(...(await readQueue(connection, TOPIC, queueId)));
  return queues.sort((a, b) => a.physicalOffset - b.physicalOffset);
}

function places(records: readonly RawRecord[]): string[] {
  return records.map(
    (record) => `${sequenceOf(record.body)} at ${record.queueId}/${record.queueOffset}/${record.physicalOffset}`,
  );
}

/** The broker starts, has exactly `expected`, takes one more message at the next place, and reads it back. */
async function expectRecovered(recovered: BrokerProcess, expected: readonly RawRecord[]): Promise<void> {
  await recovered.start();
  const connection = await RawConnection.open(recovered.brokerAddr);
  expect(places(await readAll(connection))).toEqual(places(expected));
  for (let queueId = 0; queueId < QUEUES; queueId++) {
    const response = await sendMessage(connection, TOPIC, queueId, numberedBody(MESSAGES + queueId));
    expect(response.code, response.remark).toBe(0);
    const next = expected.filter((record) => record.queueId === queueId).length;
    expect(Number(response.fields.queueOffset), `next offset of queue ${queueId}`).toBe(next);
    const queue = await readQueue(connection, TOPIC, queueId);
    expect(sequenceOf(queue[next].body)).toBe(MESSAGES + queueId);
  }
  connection.close();
}

function endOf(records: readonly RawRecord[]): number {
  const last = records.at(-1)!;
  return last.physicalOffset + last.sizeBytes;
}

describe('a broker whose log was torn', () => {
  it('goes on after a kill with everything it had', async () => {
    const { broker: killed, records } = await killedBroker();
    expect(records).toHaveLength(MESSAGES);
    await expectRecovered(killed, records);
  });

  it('cuts a record of which only the first half was written', async () => {
    const { broker: killed, records } = await killedBroker();
    const last = records.at(-1)!;
    const whole = readLog(killed.storePath, last.physicalOffset, last.sizeBytes);
    overwriteLog(killed.storePath, endOf(records), whole.subarray(0, whole.length >> 1));
    await expectRecovered(killed, records);
  });

  it('cuts a last record with a damaged body', async () => {
    const { broker: killed, records } = await killedBroker();
    const last = records.at(-1)!;
    overwriteLog(killed.storePath, last.physicalOffset + 88, Buffer.alloc(8, 0xff));
    await expectRecovered(killed, records.slice(0, -1));
  });

  it('cuts garbage behind the last record', async () => {
    const { broker: killed, records } = await killedBroker();
    overwriteLog(
      killed.storePath,
      endOf(records),
      Buffer.from(Array.from({ length: 300 }, (_, at) => (at * 73) % 256)),
    );
    await expectRecovered(killed, records);
  });

  it('cuts zeros where the last records were', async () => {
    const { broker: killed, records } = await killedBroker();
    const from = records[MESSAGES - 5].physicalOffset;
    overwriteLog(killed.storePath, from, Buffer.alloc(endOf(records) - from));
    await expectRecovered(killed, records.slice(0, MESSAGES - 5));
  });

  it('is not started over damage before whole messages, which no killed process leaves behind, and is left as it was', async () => {
    const { broker: killed, records } = await killedBroker();
    const damaged = records[MESSAGES - 20];
    const before = readLog(killed.storePath, damaged.physicalOffset, damaged.sizeBytes);
    overwriteLog(killed.storePath, damaged.physicalOffset, Buffer.alloc(damaged.sizeBytes));
    await expect(killed.start()).rejects.toThrow(`The commit log is damaged at offset ${damaged.physicalOffset}`);
    expect(readLog(killed.storePath, damaged.physicalOffset, damaged.sizeBytes)).toEqual(
      Buffer.alloc(damaged.sizeBytes),
    );
    overwriteLog(killed.storePath, damaged.physicalOffset, before);
    await expectRecovered(killed, records);
  });

  it('rebuilds the consume queues that are gone', async () => {
    const { broker: killed, records } = await killedBroker();
    rmSync(join(killed.storePath, 'consumequeue'), { recursive: true });
    await expectRecovered(killed, records);
  });

  it('rebuilds them without a checkpoint, too', async () => {
    const { broker: killed, records } = await killedBroker();
    rmSync(join(killed.storePath, 'consumequeue'), { recursive: true });
    rmSync(join(killed.storePath, 'checkpoint'), { force: true });
    await expectRecovered(killed, records);
  });
});
