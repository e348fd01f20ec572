import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decodeMessages,
  encodeHost,
  type EndTransactionRequest,
  MessageConst,
  type MessageExt,
  MessageSysFlag,
  TRANS_HALF_TOPIC,
  TRANS_OP_HALF_TOPIC,
} from '@rocknest/protocol';
import { MessageStore, type PutMessage, type PutResult } from '@rocknest/store';
import { encodeReceivedProperties } from '../../send/property-completer.js';
import { CheckPass, TRANSACTION_GROUP } from '../check-pass.js';
import { EarlierCommits } from '../earlier-commits.js';
import { HalfQueues } from '../half-queues.js';
import { TransactionEnd } from '../transaction-end.js';
import { TransactionReader } from '../transaction-reader.js';

export const REAL_TOPIC = 'orders';
export const GROUP = 'shop';
export const TIMEOUT_MS = 6_000;
export const CHECK_MAX = 3;

/** The transactions of a broker on a store in a temporary folder: its network is a list, its clock is moved by hand. */
export class HalfFixture {
  readonly folder = mkdtempSync(join(tmpdir(), 'rocknest-half-'));
  /** What the clock is ahead of the store's. */
  aheadMs = 0;
  /** The half messages that producers were asked about, and what is called when one is to be. */
  readonly asked: { half: MessageExt; place: number; times: string | undefined }[] = [];
  beforeAsk: (() => Promise<void>) | undefined = undefined;
  readonly warnings: string[] = [];
  readonly offsets = new Map<string, number>();
  store!: MessageStore;
  queues!: HalfQueues;
  pass!: CheckPass;
  end!: TransactionEnd;
  private uniqKeys = 0;
  /** Puts into this topic fail, as those of a full disk do. */
  refusedTopic: string | undefined = undefined;

  /** Opens the store, as a broker that starts does. */
  async open(opIntervalMs = 0): Promise<void> {
    this.store = new MessageStore({ rootPath: this.folder, storeHost: '127.0.0.1:10911', segmentSizeBytes: 1 << 20 });
    await this.store.open();
    const put = this.store.putMessage.bind(this.store);
    this.store.putMessage = (message, done) => {
      if (message.topic !== this.refusedTopic) return put(message, done);
      put({ ...message, topic: '' }, done);
    };
    const clock = (): number => Date.now() + this.aheadMs;
    const warn = (text: string): void => void this.warnings.push(text);
    this.queues = new HalfQueues(this.store, {
      maxSizeBytes: () => 4_096,
      intervalMs: () => opIntervalMs,
      bornHost: () => '127.0.0.1:10911',
      createUniqKey: () => `OP${this.uniqKeys++}`,
      clock,
      warn,
    });
    const earlier = new EarlierCommits(this.store, clock);
    const offsets = {
      query: (_: string, topic: string, queueId: number) => this.offsets.get(`${topic}/${queueId}`) ?? -1,
      commit: (group: string, topic: string, queueId: number, offset: number) => {
        if (group === TRANSACTION_GROUP) this.offsets.set(`${topic}/${queueId}`, offset);
      },
    };
    const sender = {
      ready: () => this.beforeAsk?.() ?? Promise.resolve(),
      send: (half: MessageExt, _: Buffer, place: { queueOffset: number }, properties: Record<string, string>) => {
        const times = properties[MessageConst.TRANSACTION_CHECK_TIMES];
        this.asked.push({ half, place: place.queueOffset, times });
        return true;
      },
    };
    this.pass = new CheckPass(this.store, new TransactionReader(this.store), offsets, sender, earlier, {
      timeoutMs: () => TIMEOUT_MS,
      checkMax: () => CHECK_MAX,
      reservedMs: () => 3_600_000,
      clock,
      warn,
    });
    this.end = new TransactionEnd(this.store, this.queues, earlier, {
      timeoutMs: () => TIMEOUT_MS,
      maxMessageSizeBytes: 1 << 20,
      clock,
    });
  }

  async remove(): Promise<void> {
    await this.queues?.stop();
    await this.store?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  run(): Promise<void> {
    return this.pass.run(0, this.queues.of(0));
  }

  /** How far the half queue is done. */
  get done(): number {
    return this.offsets.get(`${TRANS_HALF_TOPIC}/0`) ?? 0;
  }

  /** Stores the half message of a transaction. */
  async half(id: string, properties: Record<string, string> = {}): Promise<PutResult> {
    const result = await this.put({
      topic: TRANS_HALF_TOPIC,
      queueId: 0,
      flag: 0,
      sysFlag: 0,
      bornTimestamp: Date.now(),
      bornHost: encodeHost('127.0.0.1:4567'),
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: Buffer.from(id),
      properties: encodeReceivedProperties({
        [MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX]: id,
        [MessageConst.REAL_TOPIC]: REAL_TOPIC,
        [MessageConst.REAL_QUEUE_ID]: '0',
        [MessageConst.PRODUCER_GROUP]: GROUP,
        ...properties,
      }),
      tagsCode: 0,
      waitStoreOk: true,
    });
    if (result.status !== 'PUT_OK') throw new Error(`the half message was not stored: ${result.status}`);
    return result;
  }

  put(message: PutMessage): Promise<PutResult> {
    return new Promise((resolve) => this.store.putMessage(message, resolve));
  }

  /** The end of a transaction as its producer sends it. */
  request(half: PutResult, type: 'commit' | 'rollback'): EndTransactionRequest {
    return {
      topic: REAL_TOPIC,
      producerGroup: GROUP,
      tranStateTableOffset: half.queueOffset,
      commitLogOffset: half.physicalOffset,
      commitOrRollback:
        type === 'commit' ? MessageSysFlag.TRANSACTION_COMMIT_TYPE : MessageSysFlag.TRANSACTION_ROLLBACK_TYPE,
      fromTransactionCheck: false,
      msgId: '',
      transactionId: undefined,
    };
  }

  /** What stands in a queue. */
  async messages(topic: string, queueId = 0): Promise<MessageExt[]> {
    const found = await this.store.getMessage({ topic, queueId, queueOffset: 0, maxMessages: 1_000 });
    return decodeMessages(Buffer.concat(found.records));
  }

  /** The texts of the op queue. */
  async marks(): Promise<string[]> {
    return (await this.messages(TRANS_OP_HALF_TOPIC)).map(({ body }) => body.toString());
  }
}
