import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ageFiles } from '../support/age-files.js';
import { RawConnection } from '../support/raw-remoting.js';
import { maxOffset, minOffset, queryConsumerOffset } from '../support/raw-requests.js';
import { type RocknestCluster, startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { firstReceived } from './support/consumer-group.js';
import { JavaClient } from './support/java-client.js';
import { requireToolchain } from './support/toolchain.js';

const QUEUES = 4;
const FIRST = 2_000;
const LATER = 20_000;
const RESERVED_HOURS = 72;
const CLEAN_EXPIRED_CONSUMEQUEUE = 306;
const DELETE_EXPIRED_COMMITLOG = 329;
const MIB = 1024 * 1024;

let cluster: RocknestCluster;

beforeAll(async () => {
  requireToolchain();
  cluster = await startRocknestCluster({ mappedFileSizeCommitLog: MIB, deleteCommitLogFilesInterval: 1 });
});

afterAll(async () => {
  await cluster?.stop();
});

describe.each(['4.9.8', '5.4.0'])('the push consumer of the official Java client %s', (version) => {
  let client: JavaClient;

  beforeAll(() => {
    client = new JavaClient(version, cluster.namesrvAddr);
  });

  afterAll(async () => {
    await client?.stop();
  });

  it('goes on at the first message that is left, when files were deleted before its offset', async () => {
    const topic = `retained-${version.replaceAll('.', '_')}`;
    const group = `GID_${topic}`;
    const options = { topic, group, seed: topic };
    await client.run('create-topic', { topic, queues: QUEUES });
    expect(await client.run('produce', { topic, seed: topic, count: FIRST, mode: 'async' })).toMatchObject({
      sent: FIRST,
    });
    const before = await client.run('consume', { ...options, expect: FIRST, 'timeout-ms': 120_000 });
    expect(before).toMatchObject({ end: 'complete', distinct: FIRST });
    const later = await client.run('produce', { topic, seed: topic, from: FIRST, count: LATER, mode: 'async' });
    expect(later).toMatchObject({ sent: LATER });

    const logFolder = join(cluster.broker.storePath, 'commitlog');
    ageFiles(logFolder, RESERVED_HOURS + 1);
    const connection = await RawConnection.open(cluster.broker.brokerAddr);
    await connection.call(DELETE_EXPIRED_COMMITLOG, {});
    // Left are the file that takes messages, and the one that was made for the next.
    await waitFor(() => readdirSync(logFolder).length <= 2, 'the files to go', 60_000);
    // Waits its turn behind the deletion.
    await connection.call(CLEAN_EXPIRED_CONSUMEQUEUE, {});
    let left = 0;
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      const committed = await queryConsumerOffset(connection, group, { topic, queueId });
      const min = await minOffset(connection, topic, queueId);
      expect(min).toBeGreaterThan(committed);
      left += (await maxOffset(connection, topic, queueId)) - min;
    }
    connection.close();
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(LATER);

    const after = await client.run('consume', { ...options, expect: left, 'timeout-ms': 120_000 });
    expect(after).toMatchObject({ end: 'complete', distinct: left, duplicates: 0, different: 0 });
    expect(firstReceived(after)).toBeGreaterThan(FIRST);
    console.log(`Java ${version}: of ${LATER} messages behind its offset ${left} were left, and all of them came`);
  });
});
