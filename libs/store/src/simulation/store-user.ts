import { MessageSysFlag, SCHEDULE_TOPIC, tagsCodeOf } from '@rocknest/protocol';
import type { MessageStore } from '../message-store.js';
import type { GetResult, PutDone, PutResult } from '../types.js';
import type { SimConfig } from './history.js';
import { SimCrashError } from './sim-crash.js';
import type { SimHost, SimProcess } from './sim-host.js';
import { BORN_HOST, MIN_BODY_BYTES, type SimMessage } from './sim-message.js';
import type { SimModel } from './sim-model.js';
import type { SimTrace } from './sim-trace.js';
import { demand } from './sim-violation.js';
import type { SimWorld } from './sim-world.js';
import type { Await } from './store-checker.js';

const TAGS = ['TagA', 'TagB', 'TagC'];

/** Producers and consumers of the store: they send, pull, and hold every answer against the model. */
export class StoreUser {
  /** What went wrong in callbacks. */
  readonly failures: unknown[] = [];
  private waiting = new Set<readonly SimMessage[]>();
  private process: SimProcess | undefined = undefined;

  constructor(
    private readonly config: SimConfig,
    private readonly world: SimWorld,
    private readonly host: SimHost,
    private readonly model: SimModel,
    private readonly trace: SimTrace,
  ) {}

  opened(store: MessageStore, process: SimProcess): void {
    this.process = process;
    this.waiting.clear();
    store.onArrival((topic, queueId, queueOffset) => {
      if (!process.isAlive) return;
      this.guard(() => {
        demand(
          store.maxOffset(topic, queueId) > queueOffset,
          'arrival',
          () => `${topic}-${queueId}@${queueOffset} arrived before it can be read`,
        );
      });
    });
  }

  /** The store died: nobody is answered any more. */
  crashed(): void {
    this.waiting.clear();
    this.process = undefined;
  }

  put(store: MessageStore, count: number, maxBytes: number): void {
    for (let i = 0; i < count; i++) {
      const message = this.newMessage(maxBytes, false);
      this.send(store, [message], (done) => {
        store.putMessage(message.toPut(), done);
      });
    }
  }

  putBatch(store: MessageStore, count: number, maxBytes: number): void {
    const first = this.newMessage(maxBytes, true);
    const messages = [first];
    while (messages.length < count) messages.push(this.model.send({ ...first, bodyBytes: this.bodyBytes(maxBytes) }));
    const items = messages.map((message) => {
      const { flag, body } = message.toPut();
      return { flag, body, properties: message.properties };
    });
    const { topic, queueId, sysFlag, waitStoreOk } = first;
    const batch = {
      topic,
      queueId,
      sysFlag,
      waitStoreOk,
      bornTimestamp: 1,
      bornHost: BORN_HOST,
      reconsumeTimes: 0,
      items,
    };
    this.send(store, messages, (done) => {
      store.putBatch(batch, done);
    });
  }

  pull(store: MessageStore, count: number): void {
    const { random } = this.world;
    for (let i = 0; i < count; i++) {
      const topic = random.pick(this.config.topics);
      const queueId = random.below(this.config.queues);
      const max = store.maxOffset(topic, queueId);
      const queueOffset = random.between(0, max + (random.chance(0.1) ? 3 : 0));
      const tag = random.chance(0.3) && topic !== SCHEDULE_TOPIC ? random.pick(TAGS) : undefined;
      this.pullOne(store, topic, queueId, queueOffset, tag);
    }
  }

  /** Each put of a store that was stopped was answered. */
  checkAllAnswered(): void {
    const [forgotten] = this.waiting;
    demand(forgotten === undefined, 'never-answered', () => `${forgotten[0].toString()} was never answered`);
  }

  /** On a sound disk, each queue takes a message. */
  async checkTakesMessages(store: MessageStore, wait: Await): Promise<void> {
    for (const topic of this.config.topics) {
      for (let queueId = 0; queueId < this.config.queues; queueId++) {
        const fields = { topic, queueId, bodyBytes: 20, tag: 'TagA', delayLevel: 1, sysFlag: 0, waitStoreOk: true };
        const message = this.model.send(fields);
        const result = await wait('a put', () => {
          return new Promise<PutResult>((resolve) => {
            this.send(store, [message], (done) => {
              store.putMessage(message.toPut(), (answer) => {
                done(answer);
                resolve(answer);
              });
            });
          });
        });
        demand(
          result.status === 'PUT_OK',
          'takes-no-messages',
          () => `${message.toString()} on a sound disk: ${result.reason ?? ''}`,
        );
      }
    }
  }

  private send(store: MessageStore, messages: readonly SimMessage[], put: (done: PutDone) => void): void {
    const { process } = this;
    this.waiting.add(messages);
    const answered = (result: PutResult): void => {
      if (process?.isAlive !== true) return;
      this.waiting.delete(messages);
      this.guard(() => {
        this.model.answered(messages, result);
        this.note(
          () =>
            `${result.status} ${messages[0].topic}-${messages[0].queueId} id ${messages[0].id}+${messages.length} at ` +
            `${result.queueOffset}, log ${result.physicalOffset}+${result.sizeBytes} ${result.reason ?? ''}`,
        );
        this.checkVisible(store, messages, result);
      });
    };
    try {
      put(answered);
    } catch (error) {
      if (!(error instanceof SimCrashError)) this.failures.push(error);
    }
  }

  /** An answered message can be read at once, unless its flush was not waited for. */
  private checkVisible(store: MessageStore, messages: readonly SimMessage[], result: PutResult): void {
    const [{ topic, queueId, waitStoreOk, hasQueueEntry }] = messages;
    if (result.status !== 'PUT_OK' || !hasQueueEntry) return;
    if (this.config.flushDiskType === 'SYNC_FLUSH' && !waitStoreOk) return;
    const end = result.queueOffset + messages.length;
    const max = store.maxOffset(topic, queueId);
    demand(max >= end, 'answered-not-visible', () => `${topic}-${queueId} ends at ${max} when ${end - 1} is answered`);
  }

  private pullOne(
    store: MessageStore,
    topic: string,
    queueId: number,
    queueOffset: number,
    tag: string | undefined,
  ): void {
    const { process } = this;
    const wanted = tag === undefined ? undefined : tagsCodeOf(tag);
    const request = {
      topic,
      queueId,
      queueOffset,
      maxMessages: this.world.random.pick([1, 5, 32]),
      ...(wanted === undefined ? {} : { matches: (tagsCode: number) => tagsCode === wanted }),
    };
    const before = this.model.entries(topic, queueId);
    const known = new Map(before);
    const pulled = (result: GetResult): void => {
      if (process?.isAlive !== true) return;
      this.guard(() => {
        this.checkPull(topic, queueId, queueOffset, tag, result, known);
      });
    };
    const failed = (error: unknown): void => {
      if (process?.isAlive !== true || error instanceof SimCrashError) return;
      this.note(() => `a pull failed: ${String(error)}`);
      const isClosed = (error as { code?: unknown }).code === 'STORE_NOT_OPEN';
      if (this.host.faults.fired === 0 && !isClosed) this.failures.push(error);
    };
    try {
      const result = store.getMessage(request);
      if (result instanceof Promise) result.then(pulled, failed);
      else pulled(result);
    } catch (error) {
      failed(error);
    }
  }

  /** `known`: what stood in the queue when the pull began. */
  private checkPull(
    topic: string,
    queueId: number,
    queueOffset: number,
    tag: string | undefined,
    result: GetResult,
    known: ReadonlyMap<number, SimMessage>,
  ): void {
    const found = this.model.consumed(topic, queueId, Buffer.concat(result.records));
    const where = `a pull of ${topic}-${queueId} at ${queueOffset} for ${tag ?? '*'}`;
    demand(
      found.length === result.messageCount,
      'pull-count',
      () => `${where}: ${result.messageCount} messages told, ${found.length} there`,
    );
    const entries = this.model.entries(topic, queueId);
    for (const { message, record } of found) {
      // Whether a message is stored whose answer was an error is not known before somebody sees it.
      if (message.status === 'UNKNOWN_ERROR' && !entries.has(record.queueOffset))
        entries.set(record.queueOffset, message);
      const expected = known.get(record.queueOffset) ?? entries.get(record.queueOffset);
      demand(
        expected === message,
        'pull-wrong',
        () => `${where} returned ${message.toString()} in place of ${expected?.toString() ?? 'nothing'}`,
      );
      demand(
        tag === undefined || message.tag === tag,
        'pull-filter',
        () => `${where} returned ${message.toString()} of ${message.tag}`,
      );
      demand(
        record.queueOffset >= queueOffset && record.queueOffset < result.nextBeginOffset,
        'pull-range',
        () => `${where} returned ${record.queueOffset} and goes on at ${result.nextBeginOffset}`,
      );
    }
    if (result.status !== 'FOUND' && result.status !== 'NO_MATCHED_MESSAGE') return;
    const ids = new Set(found.map(({ message }) => message.id));
    const isGone = (message: SimMessage): boolean => message.deleted !== 'no' || this.config.retention;
    for (let offset = queueOffset; offset < result.nextBeginOffset; offset++) {
      const message = known.get(offset);
      if (message === undefined || isGone(message) || (tag !== undefined && message.tag !== tag)) continue;
      demand(
        ids.has(message.id),
        'pull-skipped',
        () => `${where} goes on at ${result.nextBeginOffset} without ${message.toString()}`,
      );
    }
  }

  private newMessage(maxBytes: number, inBatch: boolean): SimMessage {
    const { random } = this.world;
    const topic = random.pick(this.config.topics);
    const kinds = [
      MessageSysFlag.TRANSACTION_PREPARED_TYPE,
      MessageSysFlag.TRANSACTION_COMMIT_TYPE,
      MessageSysFlag.TRANSACTION_ROLLBACK_TYPE,
    ];
    return this.model.send({
      topic,
      queueId: random.below(this.config.queues),
      bodyBytes: this.bodyBytes(maxBytes),
      tag: random.pick(TAGS),
      delayLevel: random.between(1, 18),
      sysFlag: !inBatch && topic !== SCHEDULE_TOPIC && random.chance(0.05) ? random.pick(kinds) : 0,
      waitStoreOk: !random.chance(0.1),
    });
  }

  private bodyBytes(maxBytes: number): number {
    return this.world.random.between(MIN_BODY_BYTES, Math.min(maxBytes, this.config.segmentSizeBytes - 300));
  }

  private guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.failures.push(error);
    }
  }

  private note(line: () => string): void {
    this.trace.add(this.world.nowMs, line);
  }
}
