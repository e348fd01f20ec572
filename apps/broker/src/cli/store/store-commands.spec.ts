import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TIMER_TOPIC } from '@rocknest/protocol';
import { MessageStore, type PutResult, TimerMessageStore } from '@rocknest/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.js';
import { commands } from '../commands.js';
import { runCli } from '../run-cli.js';
import { CollectingIo } from '../testing/collecting-io.js';

const SEGMENT = 64 * 1024;
const LOG = join('commitlog', '0'.repeat(20));

describe('rocknest store', () => {
  let folder: string;
  let io: CollectingIo;
  let places: PutResult[];

  const openStore = async (): Promise<MessageStore> => {
    const store = new MessageStore({
      rootPath: folder,
      storeHost: '127.0.0.1:10911',
      segmentSizeBytes: SEGMENT,
      consumeQueueFileEntries: 100,
      messageIndexEnable: false,
    });
    await store.open();
    return store;
  };

  const putOne = (
    store: MessageStore,
    index: number,
    topic = 'orders',
    properties: Readonly<Record<string, unknown>> = { KEYS: `k${index}` },
  ): Promise<PutResult> =>
    new Promise((resolve) => {
      store.putMessage(
        {
          topic,
          queueId: index % 2,
          flag: 0,
          sysFlag: 0,
          bornTimestamp: 1_700_000_000_000,
          bornHost: Buffer.from([127, 0, 0, 1, 0, 0, 0, 1]),
          reconsumeTimes: 0,
          preparedTransactionOffset: 0,
          body: Buffer.from(`order ${index}\u001b[31m`),
          properties: Object.entries(properties)
            .map(([name, value]) => `${name}\u0001${String(value)}\u0002`)
            .join(''),
          tagsCode: 0,
          waitStoreOk: true,
        },
        resolve,
      );
    });

  beforeEach(async () => {
    io = new CollectingIo();
    folder = mkdtempSync(join(tmpdir(), 'rocknest-cli-'));
    const store = await openStore();
    places = [];
    for (let i = 0; i < 20; i++) places.push(await putOne(store, i));
    await store.close();
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const run = async (...argv: string[]): Promise<number> => {
    io.stdout = io.stderr = '';
    return runCli(commands, ['store', ...argv], io);
  };

  function damage(physicalOffset: number): void {
    const file = openSync(join(folder, LOG), 'r+');
    writeSync(file, Buffer.from([0xff]), 0, 1, physicalOffset);
    closeSync(file);
  }

  it('verify sums a whole store up', async () => {
    expect(await run('verify', folder, '--topics')).toBe(0);
    expect(io.stdout).toContain('messages       20 in');
    expect(io.stdout).toMatch(/orders\/1 +0 +10 +10/);
    expect(io.stdout).toContain('no damage found');
    expect(io.stderr).toBe('');
  });

  it('verify names file, byte and remedy of a damage, for people and for programs', async () => {
    const place = places[7].physicalOffset;
    damage(place + 95);
    expect(await run('verify', folder)).toBe(1);
    expect(io.stdout).toContain(`DAMAGE LOG_DAMAGED: offsets ${place} to `);
    expect(io.stdout).toContain(`${join(folder, LOG)} at byte ${place}`);
    expect(io.stdout).toContain('rocknest store repair');
    expect(await run('verify', folder, '--json')).toBe(1);
    const report = JSON.parse(io.stdout) as { damageCount: number; findings: { kind: string; position: number }[] };
    expect(report.damageCount).toBe(2);
    expect(report.findings[0]).toMatchObject({ kind: 'LOG_DAMAGED', position: place });
  });

  it('dump prints messages by place, key and queue, and nothing that a terminal obeys', async () => {
    expect(await run('dump', folder, '--key', 'k7', '--body', 'text')).toBe(0);
    expect(io.stdout).toContain(`orders/1 3 at ${places[7].physicalOffset} (`);
    expect(io.stdout).toContain('order 7\ufffd[31m');
    await run('dump', folder, '--queue', '0', '--from-offset', '2', '--to-offset', '4', '--json', '--body', 'base64');
    const lines = io.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { queueOffset: number; body: string });
    expect(lines.map(({ queueOffset }) => queueOffset)).toEqual([2, 3, 4]);
    expect(Buffer.from(lines[0].body, 'base64').toString()).toContain('order 4');
    await run('dump', folder, '--physical-offset', String(places[5].physicalOffset), '--limit', '1');
    expect(io.stdout).toContain('orders/1 2 at');
    await run('dump', folder, '--key', 'nobody');
    expect([io.stdout, io.stderr]).toEqual(['', 'no message fits\n']);
    damage(places[3].physicalOffset + 95);
    await run('dump', folder, '--limit', '4');
    expect(io.stdout).toContain(`--- offsets ${places[3].physicalOffset} to ${places[4].physicalOffset}: no message`);
  });

  it('dump prints timer messages with the time when they are due and where they will go', async () => {
    expect(await run('dump', folder, '--timers')).toBe(0);
    expect([io.stdout, io.stderr]).toEqual(['', 'no timer message fits\n']);
    const dueMs = Date.now() + 3_600_000;
    const store = await openStore();
    const timer = new TimerMessageStore(store, {
      rootPath: folder,
      logger: { log: () => {}, warn: () => {}, error: () => {} },
    });
    store.onArrival((topic) => {
      if (topic === TIMER_TOPIC) timer.onArrival();
    });
    await timer.start('master');
    for (const key of ['one', 'two']) {
      await putOne(store, 0, TIMER_TOPIC, {
        UNIQ_KEY: key,
        TIMER_OUT_MS: dueMs - 1,
        REAL_TOPIC: 'orders',
        REAL_QID: 1,
      });
    }
    await waitFor(() => timer.stats().enqueuedMessages === 2);
    await timer.stop();
    await store.close();
    expect(await run('dump', folder, '--timers', '--body', 'text')).toBe(0);
    const lines = io.stdout.split('\n');
    expect(lines[0]).toContain(`${new Date(dueMs).toISOString()} waiting orders/1 at `);
    expect(lines[1]).toContain('UNIQ_KEY=one');
    expect(lines[2]).toBe('  order 0\ufffd[31m');
    await run('dump', folder, '--timers', '--key', 'two', '--json');
    expect(JSON.parse(io.stdout)).toMatchObject({
      timer: { state: 'waiting', dueMs, topic: 'orders', queueId: 1 },
      topic: TIMER_TOPIC,
      queueOffset: 1,
    });
    await run('dump', folder, '--timers', '--limit', '1');
    expect(io.stdout.split('\n')).toHaveLength(3);
    await run('dump', folder, '--timers', '--topic', 'bills');
    expect(io.stderr).toBe('no timer message fits\n');
    rmSync(join(folder, 'config', 'timercheck'));
    await run('dump', folder, '--timers');
    expect(io.stdout).toMatch(/^--- .*timercheck: there is no checkpoint of the timer/);
    io.abort.abort();
    expect(await run('dump', folder, '--timers')).toBe(130);
  });

  it('dump prints queue entries and the checkpoint', async () => {
    expect(await run('dump', folder, '--consume-queue', 'orders/1', '--limit', '2')).toBe(0);
    expect(io.stdout.trim().split('\n')).toHaveLength(3);
    expect(await run('dump', folder, '--checkpoint', '--json')).toBe(0);
    expect(JSON.parse(io.stdout)).toMatchObject({ found: true, point: { entryCount: 20 } });
    expect(await run('dump', folder, '--consume-queue', 'bills/1')).toBe(3);
    expect(io.stderr).toContain('there are orders/0, orders/1');
  });

  it.each([
    [['--checkpoint', '--consume-queue', 'a/1'], 'exclude each other'],
    [['--checkpoint', '--topic', 'a'], '--topic chooses messages, and --checkpoint prints none'],
    [['--consume-queue', 'a/1', '--key', 'k'], '--key chooses messages, and --consume-queue prints none'],
    [['--timers', '--checkpoint'], '--checkpoint and --timers exclude each other'],
    [['--timers', '--from-offset', '5'], '--from-offset is a place in a queue or the log'],
    [['--timers', '--physical-offset', '5'], '--timers goes by the timer log'],
    [['--delivered'], 'it needs --timers'],
    [['--consume-queue', 'a'], 'TOPIC/QUEUE is needed'],
    [['--from-offset', '5', '--to-offset', '4'], '--from-offset 5 is behind --to-offset 4'],
  ])('dump refuses %j', async (flags, message) => {
    expect(await run('dump', folder, ...flags)).toBe(2);
    expect(io.stderr).toContain(message);
  });

  it('repair tells first, does it with --apply, and checks again', async () => {
    damage(places[7].physicalOffset + 95);
    const before = readFileSync(join(folder, LOG));
    expect(await run('repair', folder)).toBe(1);
    expect(io.stdout).toContain('What is to be done:');
    expect(io.stdout).toContain('Nothing was changed');
    expect(readFileSync(join(folder, LOG)).equals(before)).toBe(true);
    expect(await run('repair', folder, '--apply')).toBe(0);
    expect(io.stdout).toContain('1 lost messages marked');
    expect(io.stdout).toContain('checked again: no damage left');
    expect(await run('dump', folder, '--queue', '1', '--from-offset', '3', '--limit', '1')).toBe(0);
    expect(io.stdout).toContain('ROCKNEST_LOST');
    expect(await run('repair', folder, '--apply')).toBe(0);
    expect(io.stdout).toContain('nothing to repair');
  });

  it('keeps out of a store that is in use, and of what is none', async () => {
    const store = await openStore();
    for (const command of ['verify', 'dump', 'repair']) {
      expect(await run(command, folder)).toBe(3);
      expect(io.stderr).toContain(`in use by process ${process.pid}`);
    }
    expect(await run('verify', folder, '--in-use')).toBe(0);
    await store.close();
    expect(await run('verify', join(folder, 'nowhere'))).toBe(3);
    expect(io.stderr).toContain('There is no folder');
    expect(await run('repair', folder, '--keep', folder)).toBe(2);
    expect(io.stderr).toContain('the folder is not empty');
    expect(await run('verify', folder, '--delay-levels', '1x')).toBe(2);
  });

  it('stops when the user asks for it', async () => {
    io.abort.abort();
    expect(await run('verify', folder)).toBe(130);
    expect(await run('dump', folder)).toBe(130);
  });
});
