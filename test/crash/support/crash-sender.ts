import type { RawConnection, RawResponse } from '../../support/raw-remoting.js';
import { sendBatch, sendMessage } from '../../support/raw-requests.js';
import { numberedBody } from './numbered-body.js';

/** Where the broker said that a message is. */
export interface Acknowledged {
  sequence: number;
  queueId: number;
  queueOffset: number;
  physicalOffset: number;
}

const IN_FLIGHT = 128;
/** Behind a refusal, as clients do: a tight loop would keep the broker from what it is to do about the reason. */
const REFUSED_PAUSE_MS = 20;
const BATCH_EVERY = 16;
const BATCH_MESSAGES = 8;
const PHYSICAL_OFFSET_DIGITS = 16;

/** The physical offset is the last eight bytes of an offset message id. */
function physicalOffsetOf(offsetMsgId: string): number {
  return Number.parseInt(offsetMsgId.slice(-PHYSICAL_OFFSET_DIGITS), 16);
}

/** Sends numbered messages over many queues, single and in batches, and keeps what was acknowledged. */
export class CrashSender {
  readonly acknowledged: Acknowledged[] = [];
  refused = 0;
  /** How many answers there were of each code that is not SUCCESS. */
  readonly refusals = new Map<number, number>();
  sent = 0;
  private nextCall = 0;

  constructor(
    private readonly topic: string,
    private readonly queues: number,
  ) {}

  /**
   * Keeps requests in flight on the connection until it closes. `onAcknowledged` hears how many of this run were acknowledged.
   * Resolves when the connection is closed and its last answer was taken.
   */
  async run(connection: RawConnection, onAcknowledged: (count: number) => void): Promise<void> {
    const before = this.acknowledged.length;
    const lane = async (): Promise<void> => {
      while (!connection.closed) {
        await this.call(connection).catch(() => undefined);
        onAcknowledged(this.acknowledged.length - before);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  }

  private async call(connection: RawConnection): Promise<void> {
    const call = this.nextCall++;
    const queueId = call % this.queues;
    const count = call % BATCH_EVERY === 0 ? BATCH_MESSAGES : 1;
    const first = this.sent;
    this.sent += count;
    if (count === 1) {
      await this.take(await sendMessage(connection, this.topic, queueId, numberedBody(first)), first, count);
    } else {
      const bodies = Array.from({ length: count }, (_, at) => numberedBody(first + at));
      await this.take(await sendBatch(connection, this.topic, queueId, bodies), first, count);
    }
  }

  private async take(response: RawResponse, first: number, count: number): Promise<void> {
    if (response.code !== 0) {
      this.refused += count;
      this.refusals.set(response.code, (this.refusals.get(response.code) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, REFUSED_PAUSE_MS));
      return;
    }
    const ids = response.fields.msgId.split(',');
    if (ids.length !== count) throw new Error(`${count} messages were answered with ${ids.length} ids`);
    ids.forEach((id, at) => {
      this.acknowledged.push({
        sequence: first + at,
        queueId: Number(response.fields.queueId),
        queueOffset: Number(response.fields.queueOffset) + at,
        physicalOffset: physicalOffsetOf(id),
      });
    });
  }
}
