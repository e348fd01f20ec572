import {
  decodeMessage,
  type EndTransactionRequest,
  MessageConst,
  type MessageExt,
  MessageSysFlag,
  ResponseCode,
  TRANS_HALF_TOPIC,
} from '@rocknest/protocol';
import type { MessageStore, PutResult } from '@rocknest/store';
import type { Clock } from '../clock.js';
import { RequestRefusedError } from '../errors.js';
import { putRefusal, storedCode } from '../send/put-response.js';
import type { EarlierCommits } from './earlier-commits.js';
import { finalMessage, realPlaceOf } from './half-message.js';
import type { HalfQueues } from './half-queues.js';
import { immunityMs } from './immunity.js';

export interface TransactionEndOptions {
  /** `transactionTimeOut`, read at each use. */
  readonly timeoutMs: () => number;
  readonly maxMessageSizeBytes: number;
  readonly clock: Clock;
}

/**
 * Ends transactions: a commit stores the message in its own topic, and both commit and rollback mark the half message as ended.
 *
 * Follows `broker/processor/EndTransactionProcessor.java`. Beyond it, an end that comes twice, or for a half message that was moved by a
 * check meanwhile, or whose mark was lost in a crash, does not deliver the message twice.
 */
export class TransactionEnd {
  constructor(
    private readonly store: MessageStore,
    private readonly queues: HalfQueues,
    private readonly earlier: Pick<EarlierCommits, 'claim' | 'release'>,
    private readonly options: TransactionEndOptions,
  ) {}

  /**
   * Resolves when the message is stored, or the rollback noted.
   *
   * @throws RequestRefusedError with the code and remark for the producer.
   */
  async end(header: EndTransactionRequest): Promise<void> {
    const record =
      header.commitLogOffset < 0 ? undefined : await this.store.messageByPhysicalOffset(header.commitLogOffset);
    if (record === undefined) throw refused('Find prepared transaction message failed');
    const half = decodeMessage(record, 0, { inflate: false });
    this.check(half, header);
    const queue = this.queues.of(half.queueId);
    const queueOffset = await queue.current(half.queueOffset);
    if (queue.ops.full) throw refused('the marks of ended transactions wait for the disk, try again later');
    if (!queue.begin(queueOffset)) return;
    try {
      if (header.commitOrRollback === MessageSysFlag.TRANSACTION_COMMIT_TYPE) await this.deliver(half, record);
    } catch (error) {
      queue.giveUp(queueOffset);
      throw error;
    }
    queue.finish(queueOffset);
  }

  private check(half: MessageExt, header: EndTransactionRequest): void {
    const immunity = half.properties[MessageConst.CHECK_IMMUNITY_TIME_IN_SECONDS];
    if (!header.fromTransactionCheck && immunity !== undefined) {
      const ageMs = this.options.clock() - half.bornTimestamp;
      const allowedMs = Math.max(immunityMs(immunity) ?? 0, this.options.timeoutMs());
      if (ageMs > allowedMs) {
        throw new RequestRefusedError(
          ResponseCode.ILLEGAL_OPERATION,
          `the transaction ${header.msgId} is ${ageMs} ms old, its immunity from checks ended after ${allowedMs} ms: the producer is asked about it`,
        );
      }
    }
    if (half.topic !== TRANS_HALF_TOPIC) throw refused(`the message at ${header.commitLogOffset} is no half message`);
    if (half.properties[MessageConst.PRODUCER_GROUP] !== header.producerGroup) {
      throw refused('The producer group wrong');
    }
    if (half.queueOffset !== header.tranStateTableOffset) throw refused('The transaction state table offset wrong');
    if (half.physicalOffset !== header.commitLogOffset) throw refused('The commit log offset wrong');
  }

  private async deliver(half: MessageExt, record: Buffer): Promise<void> {
    const real = realPlaceOf(half);
    if (real === undefined) throw refused('the half message has no REAL_TOPIC and REAL_QID');
    if (!(await this.earlier.claim(half))) return;
    const message = finalMessage(half, record, real.topic, real.queueId);
    const result = await new Promise<PutResult>((resolve) => this.store.putMessage(message, resolve));
    if (storedCode(result.status) !== undefined) return;
    this.earlier.release(half);
    const { code, remark } = putRefusal(result.status, result.reason, this.options.maxMessageSizeBytes);
    throw new RequestRefusedError(code, remark, { status: result.status });
  }
}

function refused(remark: string): RequestRefusedError {
  return new RequestRefusedError(ResponseCode.SYSTEM_ERROR, remark);
}
