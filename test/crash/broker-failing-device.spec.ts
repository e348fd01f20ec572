import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FailingDevice, type Faults } from '../support/failing-device.js';
import { RawConnection } from '../support/raw-remoting.js';
import { createTopic, pull } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { checkQueues } from './support/crash-checker.js';
import { CrashSender } from './support/crash-sender.js';
import { verifyStoreFolder } from './support/verify-store.js';

const MIB = 1024 * 1024;
const DEVICE_BYTES = 256 * MIB;
const QUEUES = 8;
const TOPIC = 'failing-device';
const ENOUGH = 300;
const WAIT_MS = 120_000;
/** Nothing but messages and the database writes new blocks while a device fails: the journal has room, and is not the disk's problem here. */
const JOURNAL = ['-J', 'size=32'];

const whyImpossible = FailingDevice.whyImpossible();
if (whyImpossible !== undefined) console.log(`broker-failing-device is left out here: ${whyImpossible}`);

interface Case {
  readonly name: string;
  readonly flushDiskType: 'ASYNC_FLUSH' | 'SYNC_FLUSH';
  readonly faults: Faults;
  /** A mount with `sync` reports in `write` what others report in fdatasync. */
  readonly mount: 'async' | 'sync';
  /** A line of the broker's log. */
  readonly told: RegExp;
}

const cases: readonly Case[] = [
  ...(['ASYNC_FLUSH', 'SYNC_FLUSH'] as const).flatMap((flushDiskType): Case[] => [
    {
      name: `${flushDiskType}: EIO in fdatasync`,
      flushDiskType,
      faults: { grow: 'EIO' },
      mount: 'async',
      told: /EIO/,
    },
    {
      name: `${flushDiskType}: ENOSPC in fdatasync (a thin-provisioned volume whose pool is used up)`,
      flushDiskType,
      faults: { grow: 'ENOSPC' },
      mount: 'async',
      told: /ENOSPC/,
    },
    {
      name: `${flushDiskType}: EIO in write`,
      flushDiskType,
      faults: { grow: 'EIO' },
      mount: 'sync',
      told: /EIO/,
    },
  ]),
];

describe.skipIf(whyImpossible !== undefined)('a broker on a device that fails', () => {
  let broker: BrokerProcess;
  let device: FailingDevice;
  let lines: string[];

  beforeEach(async () => {
    lines = [];
    device = FailingDevice.create({ sizeBytes: DEVICE_BYTES, format: JOURNAL });
    broker = await BrokerProcess.create({
      config: {
        storePathRootDir: join(device.path, 'store'),
        mappedFileSizeCommitLog: 2 * MIB,
        diskMaxUsedSpaceRatio: 100,
        diskSpaceCleanForciblyRatio: 100,
        diskSpaceWarningLevelRatio: 100,
      },
    });
  });

  afterEach(async ({ task }) => {
    device?.work();
    if (task.result?.state === 'fail') console.log(lines.slice(-60).join('\n'));
    await broker?.remove();
    device?.remove();
  });

  async function start(flushDiskType: string): Promise<void> {
    await broker.start({ flushDiskType });
    broker.process.onLine((line) => lines.push(line));
  }

  it.each(cases)(
    '$name: refuses, serves readers, goes on when the device works again, and loses nothing acknowledged',
    async ({ flushDiskType, faults, mount, told }) => {
      device.remount(mount);
      await start(flushDiskType);
      const connection = await RawConnection.open(broker.brokerAddr);
      const readers = await RawConnection.open(broker.brokerAddr);
      await createTopic(connection, TOPIC, QUEUES);
      const sender = new CrashSender(TOPIC, QUEUES);
      let acknowledged = 0;
      const sending = sender.run(connection, (count) => {
        acknowledged = count;
      });
      await waitFor(() => acknowledged > ENOUGH, 'acknowledged sends', WAIT_MS);
      await checkQueues(readers, TOPIC, QUEUES, []);

      device.fail(faults);
      await waitFor(() => sender.refused > ENOUGH, 'refused sends', WAIT_MS);
      await waitFor(() => lines.some((line) => told.test(line)), 'a line about it', WAIT_MS);
      const whileFailing = await checkQueues(readers, TOPIC, QUEUES, [...sender.acknowledged]);
      expect(whileFailing).toMatchObject({ missing: 0, changed: 0, holes: 0, disordered: 0, repeated: 0 });

      const before = acknowledged;
      device.work();
      const goesOn = (): boolean => acknowledged > before + ENOUGH;
      await waitFor(goesOn, 'sends on a device that works', WAIT_MS);
      await broker.kill9();
      await sending;
      readers.close();
      // What only the memory of the kernel had is gone now.
      device.mountAgain();

      await start(flushDiskType);
      const again = await RawConnection.open(broker.brokerAddr);
      const report = await checkQueues(again, TOPIC, QUEUES, sender.acknowledged);
      again.close();
      console.log(
        `${sender.sent} sent, ${report.acknowledged} acknowledged, ${sender.refused} refused (codes ${[...sender.refusals].join(' ')}), ` +
          `${report.missing} missing, ${report.changed} changed, ${report.holes} holes`,
      );
      expect(report).toMatchObject({ missing: 0, changed: 0, holes: 0, disordered: 0, repeated: 0, examples: [] });
      await broker.stop();
      expect(verifyStoreFolder(join(device.path, 'store'))).toMatchObject({ code: 0 });
    },
  );

  it('a file system that the kernel makes read-only: sends and topics are refused, reads go on, and a restart on the mended disk has everything', async () => {
    await start('SYNC_FLUSH');
    const connection = await RawConnection.open(broker.brokerAddr);
    const readers = await RawConnection.open(broker.brokerAddr);
    await createTopic(connection, TOPIC, QUEUES);
    const sender = new CrashSender(TOPIC, QUEUES);
    let acknowledged = 0;
    const sending = sender.run(connection, (count) => {
      acknowledged = count;
    });
    await waitFor(() => acknowledged > ENOUGH, 'acknowledged sends', WAIT_MS);
    await checkQueues(readers, TOPIC, QUEUES, []);

    // The journal cannot be written: ext4 gives up.
    device.fail({ sync: 'EIO' });
    await waitFor(() => sender.refused > ENOUGH, 'refused sends', WAIT_MS);
    for (let i = 0; i < 20; i++)
      await expect(createTopic(readers, `refused-${i}`, 1)).rejects.toThrow(/metadata database .* does not take it/);
    const whileReadOnly = await checkQueues(readers, TOPIC, QUEUES, [...sender.acknowledged]);
    expect(whileReadOnly).toMatchObject({ missing: 0, changed: 0, holes: 0, disordered: 0, repeated: 0 });
    expect(lines.filter((line) => /metadata database .* cannot be written/.test(line))).toHaveLength(1);
    expect(lines.length).toBeLessThan(60);
    await broker.kill9();
    await sending;
    readers.close();

    device.work();
    device.mountAgain();
    await start('SYNC_FLUSH');
    const again = await RawConnection.open(broker.brokerAddr);
    const report = await checkQueues(again, TOPIC, QUEUES, sender.acknowledged);
    expect(report).toMatchObject({ missing: 0, changed: 0, holes: 0, disordered: 0, repeated: 0, examples: [] });
    await createTopic(again, 'later', 1);
    again.close();
    await broker.stop();
    expect(verifyStoreFolder(join(device.path, 'store'))).toMatchObject({ code: 0 });
  });

  it('EIO in a read of old log: the pull fails and says why, no message is left out, and works when the device does', async () => {
    await start('ASYNC_FLUSH');
    const connection = await RawConnection.open(broker.brokerAddr);
    await createTopic(connection, TOPIC, QUEUES);
    const sender = new CrashSender(TOPIC, QUEUES);
    let acknowledged = 0;
    const sending = sender.run(connection, (count) => {
      acknowledged = count;
    });
    await waitFor(() => acknowledged > ENOUGH, 'acknowledged sends', WAIT_MS);
    connection.close();
    await sending;
    await broker.stop();

    // Neither the broker nor the kernel has anything in memory.
    device.mountAgain();
    await start('ASYNC_FLUSH');
    const log = join(device.path, 'store', 'commitlog');
    for (const file of readdirSync(log)) device.dropCache(join(log, file));
    device.fail({ read: 'EIO' });
    const again = await RawConnection.open(broker.brokerAddr);
    const failed = await pull(again, TOPIC, 0, 0);
    expect(failed.code).not.toBe(0);
    expect(failed.remark).toContain('EIO');
    device.work();
    const report = await checkQueues(again, TOPIC, QUEUES, sender.acknowledged);
    expect(report).toMatchObject({ missing: 0, changed: 0, holes: 0, disordered: 0, repeated: 0, examples: [] });
    again.close();
    await broker.stop();
    expect(verifyStoreFolder(join(device.path, 'store'))).toMatchObject({ code: 0 });
  });
});
