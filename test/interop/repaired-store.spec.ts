import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, Producer, silentLogger } from '@rocknest/client-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RawRecord } from '../support/raw-record.js';
import { RawConnection } from '../support/raw-remoting.js';
import { readQueue } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { OfficialBroker, type OfficialNamesrv, startOfficialNamesrv } from './support/official-broker.js';
import { storeCommand, storeCommandOk } from './support/store-command.js';
import { requireToolchain } from './support/toolchain.js';

const TOPIC = 'repaired';
const MESSAGES = 4_000;
const MORE = 200;
const BATCH = 50;
const BODY_BYTES = 300;
/** Several files of log. */
const SEGMENT_BYTES = 512 * 1024;
const ENTRY_BYTES = 20;
const WAIT_MS = 60_000;
const CONFIG = {
  brokerClusterName: 'DefaultCluster',
  brokerName: 'broker-a',
  mappedFileSizeCommitLog: SEGMENT_BYTES,
};

const numberOf = ({ body }: RawRecord): number | undefined =>
  body.length === 0 ? undefined : Number(body.toString('utf8', 0, 8));

describe.each(['official', 'our'])(
  'a store of the %s broker that was damaged and repaired (item 1: durability)',
  (writer) => {
    let folder: string;
    let store: string;
    let namesrv: OfficialNamesrv;
    let admin: MQAdmin | undefined;
    let official: OfficialBroker;
    let ours: BrokerProcess;
    let sent: number;

    beforeAll(() => {
      requireToolchain();
    });

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'rocknest-repaired-'));
      store = join(folder, 'store');
      sent = 0;
      namesrv = await startOfficialNamesrv(folder);
      official = new OfficialBroker(join(folder, 'java'), store, namesrv.address, CONFIG);
      ours = await BrokerProcess.create({
        namesrvAddr: namesrv.address,
        config: { ...CONFIG, storePathRootDir: store },
      });
    });

    /** A client that knows nothing of the broker before, which had another address. */
    async function startAdmin(): Promise<void> {
      await admin?.shutdown();
      admin = new MQAdmin({ namesrvAddr: namesrv.address, logger: silentLogger });
      await admin.start();
    }

    const startOfficial = (): Promise<void> => official.start().then(startAdmin);
    const startOurs = (): Promise<void> => ours.start().then(startAdmin);

    afterEach(async () => {
      await admin?.shutdown();
      admin = undefined;
      await official.stop();
      await ours.remove();
      await namesrv.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Numbered messages with keys, through a client that knows of this broker alone. */
    async function send(count: number): Promise<void> {
      const producer = new Producer({ namesrvAddr: namesrv.address, group: 'PID_repaired', sendMsgTimeoutMs: WAIT_MS });
      await producer.start();
      try {
        for (const end = sent + count; sent < end; sent += BATCH) {
          const numbers = Array.from({ length: BATCH }, (_, i) => sent + i);
          const body = (number: number): string => String(number).padStart(8, '0').padEnd(BODY_BYTES, 'x');
          await producer.send(numbers.map((number) => ({ topic: TOPIC, body: body(number), keys: `key-${number}` })));
        }
      } finally {
        await producer.shutdown();
      }
    }

    async function stored(address: string): Promise<RawRecord[]> {
      const connection = await RawConnection.open(address);
      try {
        return await readQueue(connection, TOPIC, 0);
      } finally {
        connection.close();
      }
    }

    /** Bytes in the middle of messages of the second log file, and of entries of the consume queue. */
    function damage(): void {
      const write = (path: string, position: number, bytes: Buffer): void => {
        const file = openSync(path, 'r+');
        writeSync(file, bytes, 0, bytes.length, position);
        closeSync(file);
      };
      write(join(store, 'commitlog', String(SEGMENT_BYTES).padStart(20, '0')), 100_000, Buffer.alloc(3_000, 0x5a));
      const queue = join(store, 'consumequeue', TOPIC, '0', '0'.repeat(20));
      write(queue, 100 * ENTRY_BYTES, Buffer.alloc(10 * ENTRY_BYTES, 0xff));
    }

    /** Everything but what was lost is there, in its place; what was lost is an empty message in its place. */
    async function expectRepaired(address: string): Promise<number[]> {
      const records = await stored(address);
      expect(records.map(({ queueOffset }) => queueOffset)).toEqual(Array.from({ length: sent }, (_, i) => i));
      const lost = records.filter((record) => numberOf(record) === undefined);
      for (const { properties } of lost) expect(properties).toContain('ROCKNEST_LOST');
      for (const record of records) expect(numberOf(record) ?? record.queueOffset).toBe(record.queueOffset);
      const indexed = async (): Promise<boolean> => (await textsOf(sent - 1)).length === 1;
      await waitFor(indexed, 'the key of the last message', WAIT_MS);
      for (const number of [0, 105, 3_999]) expect(await textsOf(number)).toEqual([number]);
      return lost.map(({ queueOffset }) => queueOffset);
    }

    const textsOf = async (number: number): Promise<number[]> =>
      (await admin!.queryMessage(TOPIC, `key-${number}`)).messages.map(({ body }) =>
        Number(body.toString('utf8', 0, 8)),
      );

    it('serves the official broker and ours, with every message but those that the damage hit, and takes more', async () => {
      if (writer === 'official') await startOfficial();
      else await startOurs();
      await admin!.createTopic(TOPIC, { readQueueNums: 1, writeQueueNums: 1 });
      await send(MESSAGES);
      if (writer === 'official') await official.stop();
      else await ours.stop();
      expect(readdirSync(join(store, 'commitlog')).length).toBeGreaterThanOrEqual(3);

      await storeCommandOk('verify', store);
      damage();
      const found = await storeCommand('verify', store);
      expect(found.exitCode).toBe(1);
      expect(found.lines.join('\n')).toMatch(/LOG_DAMAGED[^]*QUEUE_ENTRY_/);
      await storeCommandOk('repair', store, '--apply');
      await storeCommandOk('verify', store);
      if (writer === 'our') await storeCommandOk('export-config', store, '--force');

      await startOfficial();
      const lost = await expectRepaired(official.address);
      // 3,000 bytes of messages of over 400.
      expect(lost.length).toBeGreaterThan(3);
      expect(lost.length).toBeLessThan(12);
      expect(official.logged('ERROR')).toEqual([]);
      await send(MORE);
      expect(await expectRepaired(official.address)).toEqual(lost);
      await official.stop();

      await startOurs();
      expect(await expectRepaired(ours.brokerAddr)).toEqual(lost);
      await send(MORE);
      expect(await expectRepaired(ours.brokerAddr)).toEqual(lost);
      await ours.stop();
      await storeCommandOk('verify', store);
      expect(
        readFileSync(join(store, 'damaged', readdirSync(join(store, 'damaged'))[0], 'report.txt'), 'utf8'),
      ).toContain('commitlog');
    });
  },
);
