import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawConnection } from '../support/raw-remoting.js';
import { createTopic } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { SmallDisk } from '../support/small-disk.js';
import { waitFor } from '../support/wait-for.js';
import { checkQueues } from './support/crash-checker.js';
import { CrashSender } from './support/crash-sender.js';

const MIB = 1024 * 1024;
const DISK_BYTES = 48 * MIB;
const BALLAST_BYTES = 12 * MIB;
const QUEUES = 8;
const TOPIC = 'full-disk';
/** Refusals that show a full disk, and acknowledgements that show one with space. */
const ENOUGH = 500;
const WAIT_MS = 120_000;
const SERVICE_NOT_AVAILABLE = 14;

describe.skipIf(!SmallDisk.isPossible)('a broker whose disk fills up under load', () => {
  let broker: BrokerProcess;
  let disk: SmallDisk;

  beforeEach(async () => {
    disk = SmallDisk.mount(DISK_BYTES);
    broker = await BrokerProcess.create({
      config: {
        storePathRootDir: join(disk.path, 'store'),
        mappedFileSizeCommitLog: 2 * MIB,
        // Without the watermarks, which would refuse sends and delete files before the disk is really full.
        diskMaxUsedSpaceRatio: 100,
        diskSpaceCleanForciblyRatio: 100,
        diskSpaceWarningLevelRatio: 100,
      },
    });
  });

  afterEach(async () => {
    await broker?.remove();
    disk?.unmount();
  });

  it.each(['ASYNC_FLUSH', 'SYNC_FLUSH'] as const)(
    '%s: refuses with the right code, serves readers, goes on when there is space, and loses nothing acknowledged',
    async (flushDiskType) => {
      const topic = `${TOPIC}-${flushDiskType}`;
      disk.takeSpace(BALLAST_BYTES);
      await broker.start({ flushDiskType });
      const connection = await RawConnection.open(broker.brokerAddr);
      const readers = await RawConnection.open(broker.brokerAddr);
      await createTopic(connection, topic, QUEUES);
      const sender = new CrashSender(topic, QUEUES);
      let acknowledged = 0;
      const sending = sender.run(connection, (count) => {
        acknowledged = count;
      });
      await waitFor(() => acknowledged > 0);
      // The group of the readers is known before the disk is full: the database could not take it then.
      await checkQueues(readers, topic, QUEUES, []);
      await waitFor(() => sender.refused > ENOUGH, 'refused sends', WAIT_MS);
      expect([...sender.refusals.keys()]).toContain(SERVICE_NOT_AVAILABLE);

      // The disk is full: everything acknowledged can be read, while sends go on being refused.
      const refusedBefore = sender.refused;
      const before = [...sender.acknowledged];
      const whileFull = await checkQueues(readers, topic, QUEUES, before);
      expect(whileFull).toMatchObject({ missing: 0, changed: 0, holes: 0, disordered: 0, repeated: 0 });
      await waitFor(() => sender.refused > refusedBefore + ENOUGH, 'more refused sends', WAIT_MS);

      const acknowledgedBefore = acknowledged;
      disk.giveSpaceBack();
      await waitFor(() => acknowledged > acknowledgedBefore + ENOUGH, 'sends with space', WAIT_MS);
      await broker.kill9();
      await sending;
      readers.close();

      await broker.start({ flushDiskType });
      const again = await RawConnection.open(broker.brokerAddr);
      const report = await checkQueues(again, topic, QUEUES, sender.acknowledged);
      again.close();
      console.log(
        `${flushDiskType}: ${sender.sent} sent, ${report.acknowledged} acknowledged, ${sender.refused} refused (codes ${[...sender.refusals].join(' ')}), ` +
          `${report.missing} missing, ${report.changed} changed, ${report.holes} holes`,
      );
      expect(report).toMatchObject({ missing: 0, changed: 0, holes: 0, disordered: 0, repeated: 0, examples: [] });
      await broker.stop();
    },
  );
});
