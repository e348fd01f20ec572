import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { segmentHashes } from '../e2e/support/broker-group.js';
import { RawConnection } from '../support/raw-remoting.js';
import { createTopic, maxOffset } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { checkQueues } from './support/crash-checker.js';
import { CrashSender } from './support/crash-sender.js';

const ROUNDS = 4;
const QUEUES = 8;
const TOPIC = 'group-crash-test';
const ACKNOWLEDGED = 1_200;
const GROUP = { mappedFileSizeCommitLog: 1024 * 1024, brokerName: 'group-a' };

describe('a SYNC_MASTER and its slave, killed with SIGKILL in turn', () => {
  let master: BrokerProcess;
  let slave: BrokerProcess;

  beforeAll(async () => {
    master = await BrokerProcess.create({ config: { ...GROUP, brokerRole: 'SYNC_MASTER' } });
    const settings = { brokerRole: 'SLAVE', brokerId: 1, slaveSynchronizeInterval: 200 };
    slave = await BrokerProcess.create({ namesrvAddr: master.namesrvAddr, config: { ...GROUP, ...settings } });
  });

  afterAll(async () => {
    await slave?.remove();
    await master?.remove();
  });

  it('the slave has every message that was acknowledged, at its place, whoever died', async () => {
    const sender = new CrashSender(TOPIC, QUEUES);
    await master.start();
    await slave.start();
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) await master.start();
      const connection = await RawConnection.open(master.brokerAddr);
      if (round === 0) await createTopic(connection, TOPIC, QUEUES);
      const killsSlave = round % 2 === 1;
      let slaveBack: Promise<void> | undefined;
      let isSlaveThere = !killsSlave;
      let killed: Promise<void> | undefined;
      await sender.run(connection, (count) => {
        if (killsSlave && count >= ACKNOWLEDGED / 2)
          slaveBack ??= restartSlave().then(() => void (isSlaveThere = true));
        // Its namesrv dies with the master, and the slave needs it to start.
        if (count >= ACKNOWLEDGED && isSlaveThere) killed ??= master.kill9();
      });
      expect(killed, `round ${round}: the connection closed before the kill\n${master.process.tail()}`).toBeDefined();
      await killed;
      await slaveBack;
    }
    // The master that is dead now has acknowledged nothing that the slave lacks.
    const atSlave = await RawConnection.open(slave.brokerAddr);
    const report = await checkQueues(atSlave, TOPIC, QUEUES, sender.acknowledged);
    expect(report).toMatchObject({ missing: 0, changed: 0, holes: 0, disordered: 0, repeated: 0, examples: [] });
    expect(report.acknowledged).toBeGreaterThanOrEqual(ROUNDS * ACKNOWLEDGED);

    await master.start();
    const atMaster = await RawConnection.open(master.brokerAddr);
    const ends = async (connection: RawConnection): Promise<string> =>
      (await Promise.all(Array.from({ length: QUEUES }, (_, queueId) => maxOffset(connection, TOPIC, queueId)))).join();
    const wanted = await ends(atMaster);
    await waitFor(async () => (await ends(atSlave)) === wanted, 'the slave to have the rest', 60_000);
    expect(segmentHashes(slave.storePath)).toEqual(segmentHashes(master.storePath));
    atMaster.close();
    atSlave.close();
  });

  async function restartSlave(): Promise<void> {
    await slave.kill9();
    await slave.start();
  }
});
