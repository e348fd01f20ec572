import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawConnection } from '../support/raw-remoting.js';
import { createTopic } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { checkQueues } from './support/crash-checker.js';
import { CrashSender } from './support/crash-sender.js';

const ROUNDS = 8;
const QUEUES = 8;
const TOPIC = 'crash-retention';
const SEGMENT_BYTES = 256 * 1024;
const MIN_ACKNOWLEDGED = 2_000;

describe('a broker that is killed with SIGKILL while it deletes', () => {
  let broker: BrokerProcess;

  beforeAll(async () => {
    broker = await BrokerProcess.create({
      config: {
        mappedFileSizeCommitLog: SEGMENT_BYTES,
        // Any disk is fuller than this: the oldest files go all the time, expired or not.
        diskSpaceCleanForciblyRatio: 1,
        diskSpaceWarningLevelRatio: 100,
        cleanResourceInterval: 10,
        deleteCommitLogFilesInterval: 1,
        deleteConsumeQueueFilesInterval: 1,
      },
    });
  });

  afterAll(async () => {
    await broker?.remove();
  });

  it(`keeps what it did not delete, without holes or changes, in ${ROUNDS} rounds`, async () => {
    const sender = new CrashSender(TOPIC, QUEUES);
    let deleted = 0;
    for (let round = 0; round < ROUNDS; round++) {
      await broker.start({ flushDiskType: round % 4 === 3 ? 'SYNC_FLUSH' : 'ASYNC_FLUSH' });
      const connection = await RawConnection.open(broker.brokerAddr);
      if (round === 0) await createTopic(connection, TOPIC, QUEUES);
      let killed: Promise<void> | undefined;
      await sender.run(connection, (count) => {
        if (count >= MIN_ACKNOWLEDGED + round * 331) killed ??= broker.kill9();
      });
      expect(killed, `round ${round}: the connection closed before the kill\n${broker.process.tail()}`).toBeDefined();
      await killed;

      // Nothing is deleted while it is looked at.
      await broker.start({ diskSpaceCleanForciblyRatio: 100 });
      const looker = await RawConnection.open(broker.brokerAddr);
      const report = await checkQueues(looker, TOPIC, QUEUES, sender.acknowledged, true);
      looker.close();
      expect(report, `round ${round}`).toMatchObject({
        missing: 0,
        changed: 0,
        holes: 0,
        disordered: 0,
        repeated: 0,
        examples: [],
      });
      expect(report.stored, `round ${round}: the file that takes messages is never deleted`).toBeGreaterThan(0);
      expect(report.deleted).toBeGreaterThanOrEqual(deleted);
      deleted = report.deleted;
      await broker.stop();
    }
    const files = readdirSync(join(broker.storePath, 'commitlog')).sort();
    console.log(
      `${ROUNDS} kills: ${sender.acknowledged.length} acknowledged, ${deleted} deleted since, 0 missing, changed or out of place; log from ${files[0]}`,
    );
    expect(sender.refused).toBe(0);
    expect(deleted).toBeGreaterThan(sender.acknowledged.length / 2);
  });
});
