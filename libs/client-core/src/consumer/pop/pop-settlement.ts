import { MqVersion, ResponseCode, type MessageExt, type MessageQueue } from '@rocknest/protocol';
import { MAX_RECONSUME_TIMES, POP_RELEASE_CONCURRENCY, POP_RELEASE_MS } from '../../defaults.js';
import { errorText, responseCodeOf } from '../../errors.js';
import type { ClientInstance } from '../../instance/client-instance.js';
import { LogLimiter, type ClientLogger } from '../../logger.js';
import { forEachLimited, settledWithin } from '../../support/concurrency.js';
import { InvisibleTimeRenewal } from './invisible-time-renewal.js';
import { PopAcker } from './pop-acker.js';
import type { PopApi } from './pop-api.js';
import { popDelayMs } from './pop-delays.js';
import type { PopLease, PopReceipt } from './pop-lease.js';
import { leaseOf, markAsPopped } from './popped-mark.js';

export interface PopSettlementOptions {
  group: string;
  api: Pick<PopApi, 'ack' | 'ackBatch' | 'changeInvisibleTime'>;
  instance: Pick<ClientInstance, 'brokers' | 'heartbeats'>;
  invisibleTimeMs: number;
  /** ms after its pop for which a message is kept from others; 0: for its invisible time only. */
  renewForMs: number;
  /** Redeliveries before the dead letter queue; -1 means 16. */
  maxReconsumeTimes: number;
  /** Puts the message into the group's dead letter queue. */
  sendToDlq(message: MessageExt, queue: MessageQueue): Promise<void>;
  logger: ClientLogger;
}

/** What becomes of popped messages: acknowledged, given back with a delay, dead-lettered, released (RocketMQ: `ConsumeMessagePopConcurrentlyService.java`). */
export class PopSettlement {
  private readonly acker: PopAcker;
  private readonly renewal: InvisibleTimeRenewal;
  private readonly troubles = new LogLimiter();
  private readonly releases = new Set<Promise<void>>();
  /** True while messages that wait for a handler are kept from others. */
  keepsWaiting = true;

  constructor(private readonly options: PopSettlementOptions) {
    const { group, api, instance, logger, invisibleTimeMs, renewForMs } = options;
    this.acker = new PopAcker({
      group,
      ack: (receipt) => api.ack(group, receipt),
      ackBatch: (brokerName, receipts) => api.ackBatch(group, brokerName, receipts),
      knowsBatches: (brokerName) => {
        const address = instance.brokers.master(brokerName);
        const version = address === undefined ? undefined : instance.heartbeats.brokerVersions.get(address);
        return version !== undefined && version >= MqVersion.V5_1_1;
      },
      logger,
    });
    this.renewal = new InvisibleTimeRenewal({
      invisibleTimeMs,
      renewForMs,
      keepsWaiting: ({ holder }) => this.keepsWaiting && !holder?.paused,
      renew: (lease) => void this.change(lease, invisibleTimeMs),
    });
  }

  /** Messages came in and will be handed out. */
  admit(leases: readonly PopLease[]): void {
    for (const lease of leases) markAsPopped(lease);
    this.renewal.watch(leases);
  }

  /** True for a message that was popped, and so is given back here. */
  owns(message: MessageExt): boolean {
    return leaseOf(message) !== undefined;
  }

  /** Why a message can't be given to a listener any more, or undefined. */
  problemOf(message: MessageExt): Error | undefined {
    const lease = leaseOf(message);
    if (!lease || lease.state === 'SETTLED' || !lease.hasExpired(Date.now())) return undefined;
    return new Error('its invisible time ran out before the handler began; the broker gives it to a member again');
  }

  /** The message was handled, or is not wanted. */
  acknowledge(lease: PopLease): void {
    lease.state = 'SETTLED';
    this.renewal.forget(lease);
    this.acker.acknowledge(lease);
  }

  /** True when a message came more often than it may, as one does that kills its process each time: no handler gets it again. */
  cameTooOften(message: MessageExt): boolean {
    return message.reconsumeTimes > this.maxReconsumeTimes;
  }

  /**
   * The handling failed: the message comes again after a while, or rests in the dead letter queue. Never rejects: a message of which nothing is
   * told to the broker comes again when its invisible time is over.
   */
  async giveBack(message: MessageExt, queue: MessageQueue, delayLevel: number): Promise<void> {
    const lease = leaseOf(message);
    if (!lease || lease.state === 'SETTLED') return;
    lease.state = 'SETTLED';
    if (lease.hasExpired(Date.now())) return;
    if (delayLevel >= 0 && message.reconsumeTimes < this.maxReconsumeTimes) {
      await this.change(lease, popDelayMs(message.reconsumeTimes, delayLevel));
      return;
    }
    try {
      await this.options.sendToDlq(message, queue);
      this.acknowledge(lease);
    } catch (error) {
      if (this.troubles.allows('dlq')) {
        this.options.logger.warn(
          `message ${message.msgId} could not be put into the dead letter queue of group ${this.options.group}, it comes again: ${errorText(error)}`,
        );
      }
      await this.change(lease, popDelayMs(message.reconsumeTimes, 0));
    }
  }

  /** No handler has begun with these and none will: others may have them soon. */
  release(leases: readonly PopLease[]): void {
    if (leases.length === 0) return;
    const nowMs = Date.now();
    for (const lease of leases) lease.state = 'SETTLED';
    const live = leases.filter((lease) => !lease.hasExpired(nowMs));
    const release = forEachLimited(live, POP_RELEASE_CONCURRENCY, async (lease) => {
      await this.change(lease, POP_RELEASE_MS);
    }).finally(() => this.releases.delete(release));
    this.releases.add(release);
  }

  /** Waits for the answers to what was acknowledged and released. @returns false when some are missing after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<boolean> {
    this.renewal.stop();
    const acked = this.acker.flush(timeoutMs);
    const released = await settledWithin(Promise.all(this.releases), timeoutMs);
    return (await acked) && released;
  }

  private get maxReconsumeTimes(): number {
    return this.options.maxReconsumeTimes < 0 ? MAX_RECONSUME_TIMES : this.options.maxReconsumeTimes;
  }

  private async change(lease: PopLease, invisibleTimeMs: number): Promise<void> {
    const { api, group, logger } = this.options;
    let problem: unknown;
    const changed = await lease.change(async (receipt: PopReceipt) => {
      try {
        return await api.changeInvisibleTime(group, receipt, invisibleTimeMs);
      } catch (error) {
        problem = error;
        throw error;
      }
    });
    if (changed) return;
    // Acknowledged by a request whose answer was lost, or another member's already.
    if (responseCodeOf(problem) === ResponseCode.NO_MESSAGE) lease.expire();
    if (!this.troubles.allows('change')) return;
    logger.warn(
      `group ${group}: message ${lease.message.msgId} stays invisible as it was: ${errorText(problem)}; then it comes again`,
    );
  }
}
