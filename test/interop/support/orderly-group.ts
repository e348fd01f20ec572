import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { MQAdmin, Producer, PushConsumer, silentLogger, type MessageExt } from '@rocknest/client-core';
import { checkOrderly, type ChurnReport } from '../../support/handling-checker.js';
import { HandlingLog, readHandlings, type Handling } from '../../support/handling-log.js';
import { waitFor } from '../../support/wait-for.js';
import type { HarnessProcess, JavaClient } from './java-client.js';

const SEND_TIMEOUT_MS = 30_000;
const SEND_ATTEMPTS = 50;
const BATCH = 20;
const SLOW_EVERY = 8;
const SLOW_MS = 2;
const LOOK_MS = 100;
const CONSUMED_TIMEOUT_MS = 120_000;

/** The third of five messages of a queue fails always, and is redelivered twice. */
export const POISON: OrderlyOptions = { poison: 2, maxReconsumeTimes: 2 };
export const POISON_DELIVERIES = [0, 1, 2, 2, 2, 3, 4];

export interface OrderlyOptions {
  /** Each so many messages fail the first time. */
  failEvery?: number;
  /** The message of this number fails always. */
  poison?: number;
  maxReconsumeTimes?: number;
}

/** To a queue that was chosen there is one attempt, and an official broker on a busy machine refuses sends (SYSTEM_BUSY). */
async function untilSent(send: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await send();
      return;
    } catch (error) {
      if (attempt === SEND_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}

/** A topic with numbered messages and an orderly group on it, whose members write their handlings down: ours, Java's, or both. */
export class OrderlyGroup {
  readonly group: string;
  private readonly folder = mkdtempSync(join(tmpdir(), 'rocknest-orderly-'));
  private readonly logs: string[] = [];
  private readonly closers: (() => Promise<unknown>)[] = [];
  private readonly admin: MQAdmin;

  private constructor(
    private readonly namesrvAddr: string,
    readonly topic: string,
    private readonly queues: number,
  ) {
    this.group = `GID_${topic}`;
    this.admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  }

  static async create(namesrvAddr: string, topic: string, queues: number): Promise<OrderlyGroup> {
    const group = new OrderlyGroup(namesrvAddr, topic, queues);
    group.closers.push(() => group.admin.shutdown());
    await group.admin.start();
    await group.admin.createTopic(topic, { readQueueNums: queues, writeQueueNums: queues });
    return group;
  }

  /** Numbers 0 to `count` - 1 in each queue, in order; `pauseMs` between two batches of a queue. */
  async send(count: number, pauseMs = 0): Promise<void> {
    const { namesrvAddr, topic } = this;
    const producer = new Producer({ namesrvAddr, group: 'PID_orderly', sendMsgTimeoutMs: SEND_TIMEOUT_MS });
    await producer.start();
    const lane = async (queueId: number): Promise<void> => {
      const queue = { topic, brokerName: 'broker-a', queueId };
      for (let first = 0; first < count; first += BATCH) {
        const length = Math.min(BATCH, count - first);
        const batch = Array.from({ length }, (_, at) => ({ topic, body: String(first + at) }));
        await untilSent(() => producer.send(batch, { queue }));
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    };
    await Promise.all(Array.from({ length: this.queues }, (_, queueId) => lane(queueId)));
    await producer.shutdown();
  }

  /** Numbers from 0 on in each queue, a batch every `pauseMs`, until `enough`. @returns how many each queue got. */
  async sendUntil(enough: () => boolean, pauseMs: number): Promise<number> {
    const { namesrvAddr, topic, queues } = this;
    const producer = new Producer({ namesrvAddr, group: 'PID_orderly', sendMsgTimeoutMs: SEND_TIMEOUT_MS });
    await producer.start();
    let count = 0;
    for (; !enough(); count += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, at) => ({ topic, body: String(count + at) }));
      const send = (queueId: number): Promise<void> =>
        untilSent(() => producer.send(batch, { queue: { topic, brokerName: 'broker-a', queueId } }));
      await Promise.all(Array.from({ length: queues }, (_, queueId) => send(queueId)));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    await producer.shutdown();
    return count;
  }

  /** One of our members, in this process. */
  async join(options: OrderlyOptions = {}): Promise<PushConsumer> {
    const log = new HandlingLog(this.newLog('ours'));
    const consumer = new PushConsumer({
      namesrvAddr: this.namesrvAddr,
      group: this.group,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      suspendCurrentQueueTimeMillis: 20,
      maxReconsumeTimes: options.maxReconsumeTimes ?? -1,
      logger: silentLogger,
    });
    consumer.subscribe(this.topic);
    consumer.registerMessageListenerOrderly(async ([message]) => {
      const number = Number(message.body.toString());
      log.begins(message.queueId, message.queueOffset, number);
      if (number % SLOW_EVERY === 0) await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
      const failsOnce = options.failEvery !== undefined && number % options.failEvery === 0;
      const ok = number !== options.poison && !(failsOnce && message.reconsumeTimes === 0);
      log.ends(message.queueId, message.queueOffset, ok);
      return ok ? 'SUCCESS' : 'SUSPEND_CURRENT_QUEUE_A_MOMENT';
    });
    this.closers.push(() => consumer.shutdown());
    await consumer.start();
    return consumer;
  }

  /** `members` of the official client, in a JVM; the last one leaves after `leaveAfter` messages. */
  async joinJava(
    client: JavaClient,
    options: OrderlyOptions & { members?: number; leaveAfter?: number } = {},
  ): Promise<HarnessProcess> {
    const { members = 1, failEvery = 0, poison = -1, maxReconsumeTimes = -1, leaveAfter } = options;
    const log = this.newLog('java', members);
    const process = client.start('orderly', {
      topic: this.topic,
      group: this.group,
      log,
      members,
      'fail-every': failEvery,
      poison,
      'max-reconsume': maxReconsumeTimes,
      ...(leaveAfter !== undefined && { 'leave-after': leaveAfter }),
    });
    this.closers.push(() => process.stop());
    await process.waitFor((event) => event.event === 'joined', 'the members');
    return process;
  }

  /** Waits until everything that was sent is committed. */
  async whenConsumed(): Promise<void> {
    await waitFor(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        const progress = await this.admin.examineConsumeStats(this.group, this.topic).catch(() => []);
        const own = progress.filter(({ queue }) => queue.topic === this.topic);
        return own.length === this.queues && own.every((one) => one.consumerOffset >= one.brokerOffset);
      },
      `${this.topic} consumed`,
      CONSUMED_TIMEOUT_MS,
    );
  }

  /** The dead letter of the group, of which there must be one. */
  async deadLetter(): Promise<MessageExt> {
    const found: MessageExt[] = [];
    const consumer = new PushConsumer({
      namesrvAddr: this.namesrvAddr,
      group: `${this.group}-dead`,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      pollMissingRouteIntervalMs: LOOK_MS,
      logger: silentLogger,
    });
    consumer.subscribe(`%DLQ%${this.group}`);
    consumer.registerMessageListener((messages) => {
      found.push(...messages);
      return 'CONSUME_SUCCESS';
    });
    this.closers.push(() => consumer.shutdown());
    await consumer.start();
    await waitFor(() => found.length > 0, 'the dead letter', CONSUMED_TIMEOUT_MS);
    expect(found).toHaveLength(1);
    return found[0];
  }

  /** What the members have written down so far. */
  handlings(): Handling[] {
    return this.logs.flatMap((path) => readHandlings(path, path.slice(this.folder.length + 1)));
  }

  /** None of `count` messages of each queue is lost, each order is kept, and no queue had two handlers at once. */
  expectOrder(count: number): ChurnReport {
    const report = checkOrderly(this.handlings(), new Map(), this.queues, count, (member) => member.startsWith('java'));
    expect(report).toMatchObject({ lost: 0, overlaps: 0, disordered: 0, examples: [] });
    return report;
  }

  /** Ends what still runs. */
  async close(): Promise<void> {
    for (let close = this.closers.pop(); close; close = this.closers.pop()) await close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private newLog(who: string, members?: number): string {
    const path = join(this.folder, `${who}-${this.logs.length}`);
    if (members === undefined) this.logs.push(path);
    else for (let i = 0; i < members; i++) this.logs.push(`${path}-${i}`);
    return path;
  }
}
