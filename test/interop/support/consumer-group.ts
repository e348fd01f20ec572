import { expect } from 'vitest';
import type { HarnessEvent, HarnessOptions, HarnessProcess, JavaClient } from './java-client.js';

/** What all members of a group received together. */
export interface GroupResult {
  distinct: number;
  missing: number[];
  duplicates: number;
  foreign: number;
  differences: string[];
  perMember: number[];
  queues: QueueResult[];
  /** Whether a member got the message of this number. */
  has: (index: number) => boolean;
}

export interface QueueResult {
  queue: string;
  minOffset: number;
  maxOffset: number;
  distinct: number;
}

interface Progress {
  distinct: number;
  assigned: number[];
}

const MISSING_EXAMPLES = 10;

function progressOf(process: HarnessProcess): Progress {
  const last = process.events.findLast((event) => event.event === 'progress');
  return last === undefined ? { distinct: 0, assigned: [] } : (last as unknown as Progress);
}

function bitmap(event: HarnessEvent): Buffer {
  return Buffer.from(event.received as string, 'base64');
}

/** @returns the lowest number among the messages of a `done` event, -1 where there is none. */
export function firstReceived(event: HarnessEvent): number {
  const map = bitmap(event);
  const byte = map.findIndex((bits) => bits !== 0);
  return byte < 0 ? -1 : byte * 8 + Math.log2((map[byte] ?? 0) & -(map[byte] ?? 0));
}

/** A push consumer group spread over several JVMs. */
export class JavaConsumerGroup {
  private constructor(private readonly processes: readonly HarnessProcess[]) {}

  /** @param membersPerProcess one entry for each JVM. */
  static start(client: JavaClient, membersPerProcess: readonly number[], options: HarnessOptions): JavaConsumerGroup {
    return new JavaConsumerGroup(
      membersPerProcess.map((members) => client.start('consume', { 'timeout-ms': 580_000, ...options, members })),
    );
  }

  /** Waits until every member has joined. */
  async waitUntilStarted(): Promise<void> {
    await Promise.all(
      this.processes.map((process) => process.waitFor(({ event }) => event === 'started', 'its members to start')),
    );
  }

  /** Waits until every member owns at least one queue and all together own `queues`. */
  async waitUntilBalanced(queues: number): Promise<void> {
    await this.waitForProgress((all) => {
      const assigned = all.flatMap((progress) => progress.assigned);
      return assigned.every((count) => count > 0) && assigned.reduce((sum, count) => sum + count, 0) === queues;
    }, `${queues} queues over all members`);
  }

  /** Waits until `count` messages have arrived; members may count the same one, so the result decides. */
  async waitForMessages(count: number): Promise<void> {
    await this.waitForProgress(
      (all) => all.reduce((sum, progress) => sum + progress.distinct, 0) >= count,
      `${count} messages`,
    );
  }

  /** How many messages the members have counted so far. */
  received(): number {
    return this.processes.map(progressOf).reduce((sum, progress) => sum + progress.distinct, 0);
  }

  /** Stops all members. `expected` different messages were sent. */
  async finish(expected: number): Promise<GroupResult> {
    const events = await Promise.all(this.processes.map((process) => process.finish()));
    const maps = events.map(bitmap);
    const missing: number[] = [];
    let distinct = 0;
    let copies = 0;
    for (let index = 0; index < expected; index++) {
      const owners = maps.filter((map) => ((map[index >> 3] ?? 0) & (1 << (index & 7))) !== 0).length;
      if (owners > 0) distinct++;
      else if (missing.length < MISSING_EXAMPLES) missing.push(index);
      copies += Math.max(0, owners - 1);
    }
    return {
      distinct,
      missing,
      duplicates: copies + events.reduce((sum, event) => sum + (event.duplicates as number), 0),
      foreign: events.reduce((sum, event) => sum + (event.foreign as number), 0),
      differences: events.flatMap((event) => event.differences as string[]),
      perMember: events.flatMap((event) => event.perMember as number[]),
      queues: events.flatMap((event) => event.queues as QueueResult[]),
      has: (index) => maps.some((map) => ((map[index >> 3] ?? 0) & (1 << (index & 7))) !== 0),
    };
  }

  private async waitForProgress(condition: (all: Progress[]) => boolean, what: string): Promise<void> {
    while (!condition(this.processes.map(progressOf))) {
      const starts = this.processes.map((process) => process.events.length);
      await Promise.race(
        this.processes.map((process, at) => process.waitFor((event) => this.moves(event), what, starts[at])),
      );
    }
  }

  private moves(event: HarnessEvent): boolean {
    if (event.event === 'done' || event.event === 'error') {
      throw new Error(`a consumer ended early: ${JSON.stringify({ ...event, received: undefined })}`);
    }
    return event.event === 'progress';
  }
}

/** Every message arrived, nothing else did, and nothing was changed. */
export function expectComplete(result: GroupResult, expected: number): void {
  expect(result.missing, 'first missing messages').toEqual([]);
  expect(result.distinct).toBe(expected);
  expect(result.foreign, 'messages of another test').toBe(0);
  expect(result.differences).toEqual([]);
}
