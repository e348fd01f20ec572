import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MQAdmin, Producer, silentLogger } from '@rocknest/client-core';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { buildProgram } from '../support/build-program.js';
import { ChurnedGroup } from './support/churn/churned-group.js';
import { checkConcurrent, checkOrderly } from '../support/handling-checker.js';

const MEMBERS = 5;
const QUEUES = 32;
/** A multiple of 320: whole batches in each queue. */
const MESSAGES = Number(process.env.CHURN_MESSAGES ?? 200_000);
const OF_QUEUE = MESSAGES / QUEUES;
const BATCH = 10;
/** Seconds of churn, one step in each; CHURN_SECONDS makes another run of it. */
const STEPS = Number(process.env.CHURN_SECONDS ?? 120);
/** Messages are sent over most of that time, so that the queues have work in every second of it. */
const SEND_MS = STEPS * 900;
/** The locks of a killed member run out at the broker after this time (RocketMQ: 60 s); clients rely on theirs for half of it and renew after a third. */
const BROKER_LOCK_MS = Number(process.env.CHURN_LOCK_MS ?? 12_000);
/** Between two looks at the offsets that are committed. */
const LOOK_MS = 250;
const SEND_AGAIN_MS = 100;
const CATCH_UP_MS = 60_000 + BROKER_LOCK_MS;

/** In each queue numbered messages, in order, spread over `SEND_MS`. A batch that fails is sent again as a whole. */
async function send(producer: Producer, topic: string, ended: () => boolean): Promise<void> {
  const beganMs = Date.now();
  const lane = async (queueId: number): Promise<void> => {
    const queue = { topic, brokerName: 'broker-a', queueId };
    for (let first = 0; first < OF_QUEUE; first += BATCH) {
      const aheadMs = beganMs + (first / OF_QUEUE) * SEND_MS - Date.now();
      if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
      const batch = Array.from({ length: BATCH }, (_, at) => ({ topic, body: String(first + at) }));
      while (!ended()) {
        try {
          await producer.send(batch, { queue });
          break;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, SEND_AGAIN_MS));
        }
      }
    }
  };
  await Promise.all(Array.from({ length: QUEUES }, (_, queueId) => lane(queueId)));
}

describe(`two groups of ${MEMBERS} members, one of which comes or goes every second, some by SIGKILL`, () => {
  let folder: string;
  let program: string;
  let broker: BrokerProcess;
  let admin: MQAdmin;
  let producer: Producer;
  let ended = false;
  const groups: ChurnedGroup[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rocknest-churn-'));
    program = buildProgram('test/crash/support/churn/member.ts', folder);
    broker = await BrokerProcess.create({ config: { rebalanceLockMaxLiveTimeMs: BROKER_LOCK_MS } });
    await broker.start();
    const { namesrvAddr } = broker;
    admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
    producer = new Producer({ namesrvAddr, group: 'churn-producer', logger: silentLogger });
    await Promise.all([admin.start(), producer.start()]);
  });
  afterAll(async () => {
    ended = true;
    await Promise.all(groups.map((group) => group.endAll()));
    await producer?.shutdown();
    await admin?.shutdown();
    await broker?.remove();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const newGroup = async (name: string, orderly: boolean): Promise<ChurnedGroup> => {
    const topic = `topic-${name}`;
    await admin.createTopic(topic, { writeQueueNums: QUEUES, readQueueNums: QUEUES });
    const logs = join(folder, name);
    mkdirSync(logs);
    const group = new ChurnedGroup({
      namesrvAddr: broker.namesrvAddr,
      topic,
      group: name,
      orderly,
      lockMaxLiveMs: BROKER_LOCK_MS / 2,
      lockIntervalMs: BROKER_LOCK_MS / 3,
      program,
      folder: logs,
    });
    groups.push(group);
    return group;
  };
  /** Messages that the group has not committed. */
  const lag = async (name: string): Promise<number> => {
    const progress = await admin.examineConsumeStats(name, `topic-${name}`).catch(() => []);
    const own = progress.filter(({ queue }) => queue.topic === `topic-${name}`);
    if (own.length < QUEUES) return MESSAGES;
    return own.reduce((sum, { brokerOffset, consumerOffset }) => sum + brokerOffset - consumerOffset, 0);
  };

  it(`loses none of ${MESSAGES} messages of ${QUEUES} queues; the orderly one keeps every order, with one handler of a queue at a time`, async () => {
    const concurrent = await newGroup('concurrent', false);
    const orderly = await newGroup('orderly', true);
    for (const group of groups) for (let i = 0; i < MEMBERS; i++) group.join();
    await waitFor(() => groups.every((group) => group.joinedCount === MEMBERS), 'all members', 60_000);
    const topics = groups.map(({ topic }) => topic);
    const sending = Promise.all(topics.map((topic) => send(producer, topic, () => ended)));
    for (let index = 0; index < STEPS; index++) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      for (const group of groups) group.step(index);
    }
    await sending;
    const restMs = Date.now();
    await waitFor(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        return (await lag('concurrent')) + (await lag('orderly')) === 0;
      },
      'everything committed',
      CATCH_UP_MS,
    );
    const tookMs = Date.now() - restMs;
    const kills = groups.map((group) => group.kills);
    await Promise.all(groups.map((group) => group.endAll()));

    const reports = {
      concurrent: checkConcurrent(concurrent.handlings(), QUEUES, OF_QUEUE),
      orderly: checkOrderly(orderly.handlings(), orderly.diedNs, QUEUES, OF_QUEUE),
    };
    for (const [name, report] of Object.entries(reports)) {
      const group = name === 'orderly' ? orderly : concurrent;
      console.log(
        `${name}: ${group.joins} joined, ${group.leaves} left, ${group.kills} killed; ${report.handled} handled, ${report.lost} lost, ${report.repeated} repeated ` +
          `(${report.repeatedWithoutKill} of orderly hand-overs without a kill), ${report.handOvers} hand-overs seen, ${report.overlaps} overlaps, ` +
          `${report.disordered} disordered; done ${tookMs} ms after the churn`,
      );
    }
    expect(groups.flatMap((group) => group.troubles)).toEqual([]);
    expect(reports.concurrent).toMatchObject({ lost: 0, examples: [] });
    expect(reports.orderly).toMatchObject({ lost: 0, overlaps: 0, disordered: 0, examples: [] });
    expect(kills).toEqual(groups.map(() => Math.floor((STEPS + 1) / 4)));
    expect(reports.orderly.handOvers).toBeGreaterThan(STEPS);
  });
});
