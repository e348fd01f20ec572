import {
  MessageConst,
  type MessageExt,
  TRANS_CHECK_MAX_TIME_TOPIC,
  TRANS_HALF_TOPIC,
  TRANS_OP_HALF_TOPIC,
} from '@rocknest/protocol';
import type { MessageStore, PutMessage, PutResult } from '@rocknest/store';
import type { Clock } from '../clock.js';
import type { ConsumerOffsetManager } from '../metadata/index.js';
import { storedCode } from '../send/put-response.js';
import type { CheckSender } from './check-sender.js';
import type { EarlierCommits } from './earlier-commits.js';
import { MAX_PASS_HALVES, MAX_PASS_MS } from './defaults.js';
import { HalfMarks } from './half-marks.js';
import { type HalfPlace, movedHalf } from './half-message.js';
import type { HalfQueue } from './half-queue.js';
import { immunityMs } from './immunity.js';
import type { TransactionReader } from './transaction-reader.js';

/** The group whose offsets say how far the half and op queues are done (`MixAll.CID_SYS_RMQ_TRANS`). */
export const TRANSACTION_GROUP = 'CID_RMQ_SYS_TRANS';

export interface CheckPassOptions {
  /** `transactionTimeOut`, read at each use. */
  readonly timeoutMs: () => number;
  /** `transactionCheckMax`, read at each use. */
  readonly checkMax: () => number;
  /** `fileReservedTime` in ms: an older half message is about to be deleted. */
  readonly reservedMs: () => number;
  readonly clock: Clock;
  readonly warn: (text: string) => void;
}

/** What is to become of a half message that is not ended. */
type Verdict = 'wait' | 'ended' | 'check' | 'postpone' | 'setAside';

/**
 * One look at a half queue: which half messages are ended, says the op queue; from the first one that is not and whose time has come, the
 * producer is asked what became of it. Such a half message is put to the end of the queue again, so that the queue can be worked off in
 * order: the offsets of two queues are all that has to be kept, whatever the number of transactions.
 *
 * Follows `check` of `broker/transaction/queue/TransactionalMessageServiceImpl.java`. Beyond it, a half message that was put to the end is
 * marked as ended at its old place, so that a crash does not put it there twice, and one whose message is delivered, while its mark was lost
 * in a crash, is not asked about.
 */
export class CheckPass {
  private stopped = false;

  constructor(
    private readonly store: MessageStore,
    private readonly reader: TransactionReader,
    private readonly offsets: Pick<ConsumerOffsetManager, 'query' | 'commit'>,
    private readonly sender: Pick<CheckSender, 'ready' | 'send'>,
    private readonly earlier: Pick<EarlierCommits, 'has'>,
    private readonly options: CheckPassOptions,
  ) {}

  /** Rejects when the store cannot be read or written; what was done until then stays done. */
  async run(queueId: number, queue: HalfQueue): Promise<void> {
    const startMs = this.options.clock();
    await queue.ops.flush();
    const from = this.offsetOf(TRANS_HALF_TOPIC, queueId);
    const opFrom = this.offsetOf(TRANS_OP_HALF_TOPIC, queueId);
    const end = Math.min(this.reader.endOfHalves(queueId), from + MAX_PASS_HALVES);
    if (end <= from) return;
    const marks = new HalfMarks(from, end);
    queue.watch(marks);
    try {
      await this.reader.mark(queueId, opFrom, marks);
      const to = await this.workOff(queueId, queue, marks, startMs);
      // The marks of what was moved must be in the log before the offset passes it.
      await queue.ops.flush();
      if (to !== from) this.offsets.commit(TRANSACTION_GROUP, TRANS_HALF_TOPIC, queueId, to);
      const opTo = await this.reader.firstNeeded(queueId, opFrom, to);
      if (opTo !== opFrom) this.offsets.commit(TRANSACTION_GROUP, TRANS_OP_HALF_TOPIC, queueId, opTo);
    } finally {
      queue.watch(undefined);
    }
  }

  /** Makes the pass under way end soon. */
  stop(): void {
    this.stopped = true;
  }

  /** @returns the offset of the first half message that is not done. */
  private async workOff(queueId: number, queue: HalfQueue, marks: HalfMarks, startMs: number): Promise<number> {
    let at = marks.nextOpen(marks.start);
    while (at < marks.end && !this.stopped && this.options.clock() - startMs <= MAX_PASS_MS) {
      const { messages, records, nextOffset } = await this.reader.halves(queueId, at);
      if (messages.length === 0) {
        if (nextOffset <= at) return at;
        at = marks.nextOpen(Math.min(nextOffset, marks.end));
        continue;
      }
      const handled: Promise<boolean>[] = [];
      const places: number[] = [];
      let blocked: number | undefined;
      for (let i = 0; i < messages.length && blocked === undefined; i++) {
        const half = messages[i];
        if (half.queueOffset >= marks.end) break;
        if (marks.has(half.queueOffset)) continue;
        const verdict = this.verdict(half, queue, marks, startMs);
        if (verdict === 'wait') blocked = half.queueOffset;
        else if (verdict !== 'ended') {
          const isDelivered = verdict !== 'postpone' && (await this.earlier.has(half));
          if (verdict === 'check' && !isDelivered) {
            await this.sender.ready(half.properties[MessageConst.PRODUCER_GROUP] ?? '');
          }
          // It may have been ended during that wait.
          if (marks.has(half.queueOffset)) continue;
          if (queue.isEnding(half.queueOffset)) blocked = half.queueOffset;
          else if (isDelivered) queue.finish(half.queueOffset);
          else {
            places.push(half.queueOffset);
            handled.push(this.carryOut(verdict, half, records[i], queue));
          }
        }
      }
      const failed = (await Promise.all(handled)).indexOf(false);
      if (failed !== -1) return places[failed];
      await queue.ops.flush();
      if (blocked !== undefined) return blocked;
      at = marks.nextOpen(Math.min(nextOffset, marks.end));
    }
    return at;
  }

  private verdict(half: MessageExt, queue: HalfQueue, marks: HalfMarks, startMs: number): Verdict {
    const { properties } = half;
    const ageMs = this.options.clock() - half.bornTimestamp;
    if (queue.isEnding(half.queueOffset)) return 'wait';
    if (checkTimesOf(half) >= this.options.checkMax() || ageMs > this.options.reservedMs()) return 'setAside';
    if (half.storeTimestamp >= startMs) return 'wait';
    const timeoutMs = this.options.timeoutMs();
    const immunity = properties[MessageConst.CHECK_IMMUNITY_TIME_IN_SECONDS];
    if (immunity === undefined) return ageMs >= 0 && ageMs <= timeoutMs ? 'wait' : 'check';
    if (ageMs > (immunityMs(immunity) ?? timeoutMs)) return 'check';
    const first = properties[MessageConst.TRANSACTION_PREPARED_QUEUE_OFFSET];
    return first !== undefined && marks.has(Number(first)) ? 'ended' : 'postpone';
  }

  /** @returns false when the store did not take it: this pass goes no further. */
  private async carryOut(
    verdict: 'check' | 'postpone' | 'setAside',
    half: MessageExt,
    record: Buffer,
    queue: HalfQueue,
  ): Promise<boolean> {
    const properties: Record<string, string> = { ...half.properties };
    if (verdict === 'check') properties[MessageConst.TRANSACTION_CHECK_TIMES] = String(checkTimesOf(half) + 1);
    if (verdict === 'postpone') {
      properties[MessageConst.TRANSACTION_PREPARED_QUEUE_OFFSET] ??= String(half.queueOffset);
    }
    if (verdict === 'setAside') return this.setAside(half, queue, properties);
    const result = await this.moveTo(queue, half, movedHalf(half, TRANS_HALF_TOPIC, half.queueId, properties));
    if (result === undefined) return false;
    if (verdict === 'check') this.sender.send(half, record, result, properties);
    return true;
  }

  private async setAside(half: MessageExt, queue: HalfQueue, properties: Record<string, string>): Promise<boolean> {
    this.options.warn(
      `nobody of producer group ${properties[MessageConst.PRODUCER_GROUP]} said what became of transaction ${half.msgId} to topic ` +
        `${properties[MessageConst.REAL_TOPIC]} (asked ${checkTimesOf(half)} times): it goes to ${TRANS_CHECK_MAX_TIME_TOPIC}`,
    );
    // Ended like a rollback: an end that comes later finds it done.
    if (!queue.begin(half.queueOffset)) return false;
    const result = await this.put(movedHalf(half, TRANS_CHECK_MAX_TIME_TOPIC, 0, properties));
    if (storedCode(result.status) === undefined) {
      queue.giveUp(half.queueOffset);
      return false;
    }
    queue.finish(half.queueOffset);
    return true;
  }

  private async moveTo(queue: HalfQueue, half: MessageExt, copy: PutMessage): Promise<HalfPlace | undefined> {
    let place: HalfPlace | undefined;
    await queue.move(half.queueOffset, async () => {
      const result = await this.put(copy);
      if (storedCode(result.status) === undefined) return undefined;
      const { queueOffset, physicalOffset } = result;
      place = { queueOffset, physicalOffset, offsetMsgId: result.offsetMsgIds() };
      return queueOffset;
    });
    return place;
  }

  private put(message: PutMessage): Promise<PutResult> {
    return new Promise((resolve) => this.store.putMessage(message, resolve));
  }

  /** Where a queue is to be worked off from; what retention deleted is gone. */
  private offsetOf(topic: string, queueId: number): number {
    const known = this.offsets.query(TRANSACTION_GROUP, topic, queueId);
    const min = this.store.minOffset(topic, queueId);
    return Math.min(Math.max(known, min), this.store.maxOffset(topic, queueId));
  }
}

/** How often the producer was asked about it. */
function checkTimesOf(half: MessageExt): number {
  const times = Number(half.properties[MessageConst.TRANSACTION_CHECK_TIMES] ?? 0);
  return Number.isInteger(times) ? times : 0;
}
