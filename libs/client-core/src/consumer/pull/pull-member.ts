import {
  ResponseCode,
  type ConsumeMessageDirectlyResult,
  type ConsumerData,
  type ConsumerRunningInfo,
  type MessageExt,
  type MessageQueue,
} from '@rocknest/protocol';
import { OFFSET_QUERY_CONCURRENCY } from '../../defaults.js';
import { MQClientError, MQClientErrorCode, responseCodeOf } from '../../errors.js';
import type { ClientInstance } from '../../instance/client-instance.js';
import type { ConnectionStatus, InstanceConsumer } from '../../instance/client-members.js';
import { forEachLimited } from '../../support/concurrency.js';
import { ConsumerApi } from '../consumer-api.js';
import { createOffsetStore } from '../message-model.js';
import { OFFSET_NOT_FOUND, type OffsetStore } from '../offset-store.js';
import { ConsumeQueueRef } from '../queue-ref.js';
import type { ResolvedPullConsumerOptions } from './pull-options.js';

/** A plain pull consumer as its client instance and the brokers see it: a member without subscriptions, which keeps offsets. */
export class PullMember implements InstanceConsumer {
  readonly instance: ClientInstance;
  readonly api: ConsumerApi;
  readonly offsetStore: OffsetStore;
  private readonly startedMs = Date.now();

  constructor(
    private readonly options: ResolvedPullConsumerOptions,
    acquire: (consumer: InstanceConsumer) => ClientInstance,
  ) {
    this.instance = acquire(this);
    this.api = new ConsumerApi(this.instance);
    this.offsetStore = createOffsetStore(options, this.instance.clientId, this.api);
  }

  get group(): string {
    return this.options.group;
  }

  async start(): Promise<void> {
    await this.offsetStore.load();
    await this.instance.start();
    await this.instance.heartbeats.sendToAll();
  }

  /** The stored offset, -1 for none. What is set in memory stays as it is. */
  async storedOffset(queue: MessageQueue): Promise<number> {
    if (this.options.model.messageModel === 'BROADCASTING') return this.offsetStore.read(ConsumeQueueRef.of(queue));
    try {
      return await this.api.queryConsumerOffset(this.group, queue);
    } catch (error) {
      if (responseCodeOf(error) === ResponseCode.QUERY_NOT_FOUND) return OFFSET_NOT_FOUND;
      throw error;
    }
  }

  async persist(queues: Iterable<MessageQueue> | undefined): Promise<void> {
    const table = queues ?? this.offsetStore.table().map(([queue]) => queue);
    const failed: string[] = [];
    await forEachLimited(table, OFFSET_QUERY_CONCURRENCY, async (queue) => {
      const ref = ConsumeQueueRef.of(queue);
      if (!(await this.offsetStore.persist(ref))) failed.push(ref.key);
    });
    if (failed.length === 0) return;
    throw new MQClientError(
      MQClientErrorCode.OFFSET_NOT_WRITTEN,
      `group ${this.group}: offsets of ${failed.length} queues were not written (${failed.slice(0, 3).join(', ')}); they are tried again with the next write`,
      { retriable: true, details: { queues: failed } },
    );
  }

  heartbeatData(): ConsumerData {
    return {
      groupName: this.group,
      consumeType: 'CONSUME_ACTIVELY',
      messageModel: this.options.model.messageModel,
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptionDataSet: [],
      unitMode: false,
    };
  }

  connectionChanged(status: ConnectionStatus, address: string): void {
    this.options.client.onStatus?.(status, address);
  }

  rebalanceSoon(): void {
    // The program chooses its queues.
  }

  routeChanged(): void {
    // Routes are looked up with each pull.
  }

  async resetOffsets(_topic: string, offsets: readonly (readonly [MessageQueue, number])[]): Promise<void> {
    for (const [queue, offset] of offsets) this.offsetStore.update(ConsumeQueueRef.of(queue), offset, false);
    await this.persist(offsets.map(([queue]) => queue));
  }

  consumerStatus(topic: string): [MessageQueue, number][] {
    return this.offsetStore.table(topic);
  }

  runningInfo(): ConsumerRunningInfo {
    return {
      properties: {
        PROP_CLIENT_VERSION: 'rocknest',
        PROP_CONSUMEORDERLY: 'false',
        PROP_CONSUMER_START_TIMESTAMP: String(this.startedMs),
        PROP_CONSUME_TYPE: 'CONSUME_ACTIVELY',
        PROP_NAMESERVER_ADDR: this.options.client.namesrvAddresses.join(';'),
        PROP_THREADPOOL_CORE_SIZE: '0',
        consumerGroup: this.group,
        messageModel: this.options.model.messageModel,
      },
      subscriptionSet: [],
      mqTable: [],
      statusTable: {},
      userConsumerInfo: {},
    };
  }

  consumeDirectly(message: MessageExt): Promise<ConsumeMessageDirectlyResult> {
    return Promise.reject(
      new MQClientError(
        MQClientErrorCode.INVALID_ARGUMENT,
        `group ${this.group} pulls its messages and has no listener that could be given ${message.msgId}`,
      ),
    );
  }
}
