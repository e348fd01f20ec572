import { setTimeout as delay } from 'node:timers/promises';
import {
  encodeCheckTransactionStateRequest,
  MessageConst,
  type MessageExt,
  RemotingCommand,
  RequestCode,
} from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import type { ProducerManager } from '../clients/producer-manager.js';
import { WRITABLE_POLL_MS, WRITABLE_WAIT_MS } from './defaults.js';
import { type HalfPlace, realPlaceOf, recordToCheck } from './half-message.js';
import type { PropertyEdits } from '../send/property-completer.js';

/**
 * Asks a producer of the group what became of its transaction: CHECK_TRANSACTION_STATE to one that is online, whichever that is. The answer
 * comes as an END_TRANSACTION of its own.
 *
 * Follows `sendCheckMessage` of `broker/transaction/AbstractTransactionalMessageCheckListener.java`.
 */
export class CheckSender {
  constructor(
    private readonly producers: Pick<ProducerManager, 'availableChannel'>,
    private readonly warn: (text: string) => void,
  ) {}

  /** Waits, for a while, until a producer of the group reads its socket again: a check must not fill the broker's memory. */
  async ready(group: string): Promise<void> {
    const deadlineMs = Date.now() + WRITABLE_WAIT_MS;
    while (this.producers.availableChannel(group)?.writable === false && Date.now() < deadlineMs) {
      await delay(WRITABLE_POLL_MS, undefined, { ref: false });
    }
  }

  /** @returns false when nobody of the group is online or reads its socket. */
  send(half: MessageExt, record: Buffer, place: HalfPlace, properties: PropertyEdits): boolean {
    const channel = this.producers.availableChannel(half.properties[MessageConst.PRODUCER_GROUP] ?? '');
    const real = realPlaceOf(half);
    if (channel === undefined || !channel.writable || real === undefined) return false;
    this.ask(channel, half, record, place, real, properties);
    return true;
  }

  private ask(
    channel: Connection,
    half: MessageExt,
    record: Buffer,
    place: HalfPlace,
    real: { topic: string; queueId: number },
    properties: PropertyEdits,
  ): void {
    const uniqKey = half.properties[MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX];
    const header = encodeCheckTransactionStateRequest({
      topic: half.topic,
      tranStateTableOffset: place.queueOffset,
      commitLogOffset: place.physicalOffset,
      msgId: uniqKey,
      transactionId: uniqKey,
      offsetMsgId: place.offsetMsgId,
    });
    const body = recordToCheck(half, record, real, place, properties);
    try {
      channel.oneway(RemotingCommand.request(RequestCode.CHECK_TRANSACTION_STATE, header, body));
    } catch (error) {
      this.warn(`the check of transaction ${half.msgId} did not go out to ${channel.remoteAddress}: ${String(error)}`);
    }
  }
}
