import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawConnection } from '../support/raw-remoting.js';
import { createTopic, maxOffset } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { checkQueues } from './support/crash-checker.js';
import { CrashSender } from './support/crash-sender.js';

const ROUNDS = 20;
const QUEUES = 16;
const TOPIC = 'crash-test';
/** Small files, so that the kills also meet the step from one file to the next. */
const SEGMENT_BYTES = 4 * 1024 * 1024;
const MIN_ACKNOWLEDGED = 500;
const SPREAD_ACKNOWLEDGED = 4_000;

/** How many acknowledgements a round waits for before the kill: other numbers each round, the same in each run. */
function killAfter(round: number): number {
  return MIN_ACKNOWLEDGED + ((round * 7919) % SPREAD_ACKNOWLEDGED);
}

describe('a broker that is killed with SIGKILL under load', () => {
  let broker: BrokerProcess;

  beforeAll(async () => {
    broker = await BrokerProcess.create({ config: { mappedFileSizeCommitLog: SEGMENT_BYTES } });
  });

  afterAll(async () => {
    await broker?.remove();
  });

  it(`loses, changes or renumbers no acknowledged message in ${ROUNDS} rounds`, async () => {
    const sender = new CrashSender(TOPIC, QUEUES);
    const startedIn: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      startedIn.push(await broker.start({ flushDiskType: round % 5 === 4 ? 'SYNC_FLUSH' : 'ASYNC_FLUSH' }));
      const connection = await RawConnection.open(broker.brokerAddr);
      if (round === 0) await createTopic(connection, TOPIC, QUEUES);
      await expectTails(connection, sender, round);
      let killed: Promise<void> | undefined;
      await sender.run(connection, (count) => {
        if (count >= killAfter(round)) killed ??= broker.kill9();
      });
      expect(killed, `round ${round}: the connection closed before the kill\n${broker.process.tail()}`).toBeDefined();
      await killed;
    }

    startedIn.push(await broker.start());
    const connection = await RawConnection.open(broker.brokerAddr);
    const report = await checkQueues(connection, TOPIC, QUEUES, sender.acknowledged);
    connection.close();
    const slowest = Math.round(Math.max(...startedIn));
    console.log(
      `${ROUNDS} kills: ${sender.sent} sent, ${report.acknowledged} acknowledged, ${report.stored} stored, ${report.missing} missing, ` +
        `${report.changed} changed, ${report.holes} holes, ${report.unacknowledged} stored without an answer; slowest start ${slowest} ms`,
    );
    expect(report).toMatchObject({ missing: 0, changed: 0, holes: 0, disordered: 0, repeated: 0, examples: [] });
    expect(sender.refused).toBe(0);
    expect(report.acknowledged).toBeGreaterThanOrEqual(ROUNDS * MIN_ACKNOWLEDGED);
  });

  /** Right after the start every queue reaches at least behind what was acknowledged. */
  async function expectTails(connection: RawConnection, sender: CrashSender, round: number): Promise<void> {
    const tails = new Map<number, number>();
    for (const message of sender.acknowledged) {
      tails.set(message.queueId, Math.max(tails.get(message.queueId) ?? 0, message.queueOffset + 1));
    }
    for (const [queueId, tail] of tails) {
      expect(await maxOffset(connection, TOPIC, queueId), `round ${round}, queue ${queueId}`).toBeGreaterThanOrEqual(
        tail,
      );
    }
  }
});
