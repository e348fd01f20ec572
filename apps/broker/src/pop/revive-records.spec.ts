import {
  decodeProperties,
  encodePopAckMsg,
  encodePopCheckPoint,
  type MessageExt,
  TIMER_TOPIC,
} from '@rocknest/protocol';
import type { MessageStore, PutMessage, PutResult } from '@rocknest/store';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ConsumerOffsetManager } from '../metadata/index.js';
import { CheckPoints } from './check-points.js';
import { TIMER_ACKS_WAIT_MS } from './defaults.js';
import { ReviveLog } from './revive-log.js';
import { ReviveRecords } from './revive-records.js';
import { TimerAcks } from './timer-acks.js';

const logger = { log: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };
const POPPED_MS = 1_000_000;
const INVISIBLE_MS = 30_000;
const OVER_MS = POPPED_MS + INVISIBLE_MS;

let nowMs: number;
let puts: PutMessage[];
let committed: number;
let checkPoints: CheckPoints;
let log: ReviveLog;
let records: ReviveRecords;

beforeEach(() => {
  nowMs = OVER_MS - 1_000;
  puts = [];
  committed = -1;
  const store = {
    putMessage: (message: PutMessage, done: (result: PutResult) => void) => {
      puts.push(message);
      done({ status: 'PUT_OK', queueOffset: 0, physicalOffset: 0, sizeBytes: 100 } as PutResult);
    },
    maxOffset: () => 10,
    minOffset: () => 0,
    maxPhysicalOffset: 1_000,
    stats: () => ({ flushedPhysicalOffset: 1_000 }),
  } as unknown as MessageStore;
  const offsets = {
    query: () => committed,
    commit: (_group: string, _topic: string, _queueId: number, offset: number) => (committed = offset),
  } as unknown as ConsumerOffsetManager;
  log = new ReviveLog(store, 'revive', Buffer.alloc(8));
  checkPoints = new CheckPoints(store, offsets, log, {
    brokerName: 'b',
    reviveQueueNum: 1,
    maxCheckPoints: 1_000,
    stayBufferMs: 10_000,
    isKnown: () => true,
    logger,
  });
  records = new ReviveRecords(checkPoints, 'b', () => nowMs);
});

function record(tag: string, body: Buffer, queueOffset: number): MessageExt {
  return { properties: { TAGS: tag, REAL_TOPIC: 'revive' }, body, queueOffset } as unknown as MessageExt;
}

/** Three messages, from queue offset 5 on. */
function checkPoint(queueOffset: number, brokerName = 'b'): MessageExt {
  const popped = { startOffset: 5, popTime: POPPED_MS, invisibleTime: INVISIBLE_MS, bitMap: 0, num: 3, queueId: 0 };
  const rest = { topic: 't', cid: 'g', reviveOffset: 0, queueOffsetDiff: [0, 1, 2], brokerName, rePutTimes: undefined };
  return record('ck', encodePopCheckPoint({ ...popped, ...rest }), queueOffset);
}

function ack(offset: number): Parameters<typeof encodePopAckMsg>[0] {
  const popped = { startOffset: 5, popTime: POPPED_MS, queueId: 0, topic: 't', consumerGroup: 'g', brokerName: 'b' };
  return { ackOffsets: [offset], ...popped };
}

const due = (): number => checkPoints.table.due(nowMs, 10).length;

describe('records of the revive topic that a Java broker wrote', () => {
  it('a check point waits beyond its time for its acknowledgements, and is revived without those', () => {
    expect(records.take(checkPoint(3), 0)).toBe(true);
    nowMs = OVER_MS + 500;
    expect(due()).toBe(0);
    expect(records.take(record('ack', encodePopAckMsg(ack(6)), 4), 0)).toBe(true);
    nowMs = OVER_MS + TIMER_ACKS_WAIT_MS + 250;
    const [slot] = checkPoints.table.due(nowMs, 10);
    expect([0, 1, 2].map((index) => checkPoints.table.isAcknowledged(slot, index))).toEqual([false, true, false]);
  });

  it('it waits on while the timer is behind', () => {
    records.take(checkPoint(3), 0);
    nowMs = OVER_MS + 1_000;
    records.waitForAcks(nowMs, () => true);
    nowMs = OVER_MS + TIMER_ACKS_WAIT_MS + 250;
    expect(due()).toBe(0);
    records.waitForAcks(nowMs, () => false);
    nowMs += TIMER_ACKS_WAIT_MS;
    expect(due()).toBe(1);
  });

  it('goes when all of it is acknowledged', () => {
    records.take(checkPoint(3), 0);
    for (const offset of [5, 6, 7]) records.take(record('ack', encodePopAckMsg(ack(offset)), 4), 0);
    expect(checkPoints.table.size).toBe(0);
  });

  it('passes over what makes no sense, and what is of another broker', () => {
    expect(records.take(record('ck', Buffer.from('{'), 1), 0)).toBe(false);
    expect(records.take(record('what', Buffer.from('{}'), 2), 0)).toBe(false);
    expect(records.take(checkPoint(3, 'other'), 0)).toBe(false);
    expect(checkPoints.table.size).toBe(0);
  });

  it('the progress does not pass records that were not read, and passes those that this broker wrote', () => {
    const { progress } = checkPoints;
    const commit = (): number => {
      progress.commit(Infinity, true);
      progress.commit(Infinity, true);
      return committed;
    };
    progress.wasRead(0, 4);
    expect(commit()).toBe(3);
    progress.wrote(0, 6);
    progress.wrote(0, 4);
    expect(commit()).toBe(4);
    progress.wrote(0, 5);
    expect(commit()).toBe(6);
    expect(progress.unreadFrom(0)).toBe(7);
    progress.wasRead(0, 10);
    expect(commit()).toBe(9);
  });
});

describe('an acknowledgement whose check point the timer holds', () => {
  const popped = { topic: 't', group: 'g', queueId: 0, startOffset: 5, popTimeMs: POPPED_MS };
  const times = { invisibleTime: INVISIBLE_MS, reviveQueueId: 3 };
  const acks = (hasTimed: boolean): TimerAcks =>
    new TimerAcks(log, { brokerName: 'b', reviveQueueNum: 8, clock: () => nowMs, hasTimed: () => hasTimed, logger });

  it('is only expected while the time is not over, and with something in the timer', () => {
    expect(acks(true).mayCome(popped, times)).toBe(true);
    expect(acks(false).mayCome(popped, times)).toBe(false);
    nowMs = OVER_MS;
    expect(acks(true).mayCome(popped, times)).toBe(false);
  });

  it('goes by the timer into the revive queue of its handle, due at the end of the invisible time', () => {
    acks(true).put(popped, times, 6);
    expect(puts).toHaveLength(1);
    expect(puts[0]).toMatchObject({ topic: TIMER_TOPIC, queueId: 0, body: encodePopAckMsg(ack(6)) });
    const properties = decodeProperties(puts[0].properties as string);
    expect(properties).toEqual({
      TAGS: 'ack',
      TIMER_DELIVER_MS: String(OVER_MS),
      TIMER_OUT_MS: String(OVER_MS - 1),
      REAL_TOPIC: 'revive',
      REAL_QID: '3',
    });
  });
});
