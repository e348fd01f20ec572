import {
  decodePopMessageRequest,
  POP_ORDER_REVIVE_QUEUE,
  type PopMessageRequest,
  RemotingCommand,
  ResponseCode,
} from '@rocknest/protocol';
import { type Connection, DEFERRED, type RequestRef } from '@rocknest/remoting';
import type { GetResult, MessageStore } from '@rocknest/store';
import type { Clock } from '../clock.js';
import type { Counter } from '../stats/counter-registry.js';
import type { GroupDirectory } from '../topics/group-directory.js';
import type { CheckPoints } from './check-points.js';
import { POP_MAX_BYTES } from './defaults.js';
import type { OrderInfos } from './order-infos.js';
import { type PopAdmission, refused } from './pop-admission.js';
import type { PopHoldService } from './pop-hold-service.js';
import type { PopOffsets } from './pop-offsets.js';
import { encodePopReply } from './pop-reply.js';
import { createPopRun, type PopRun as Run, type PopStage as Stage } from './pop-run.js';
import type { PopStages } from './pop-stages.js';
import type { PopTaker } from './pop-taker.js';

export interface MessagePopperOptions {
  readonly reviveQueueNum: number;
  /** A queue with more messages in flight gives nothing. */
  readonly inflightThreshold: number;
  readonly clock: Clock;
  /** Messages that were given to consumers. */
  readonly given: Counter;
}

type Answer = RemotingCommand | typeof DEFERRED;

const GOING_DOWN = 'the broker is shutting down';
const FIRST_READ = true;

/**
 * One pop from its admission to its answer: takes messages of the topic's queues and of the group's retry topic, notes what it took, and answers; or
 * waits for messages.
 *
 * Follows `broker/processor/PopMessageProcessor.java`.
 */
export class MessagePopper {
  private popCount = 0;

  constructor(
    private readonly store: MessageStore,
    private readonly stages: PopStages,
    private readonly taker: PopTaker,
    private readonly groups: GroupDirectory,
    private readonly admission: PopAdmission,
    private readonly offsets: PopOffsets,
    private readonly checkPoints: CheckPoints,
    private readonly orders: OrderInfos,
    private readonly holds: PopHoldService,
    private readonly options: MessagePopperOptions,
  ) {}

  /** Handles a POP_MESSAGE. */
  pop(request: RemotingCommand, connection: Connection): Answer | Promise<Answer> {
    if (this.holds.closed) return refused(ResponseCode.SYSTEM_BUSY, GOING_DOWN);
    const header = decodePopMessageRequest(request);
    header.queueId = Math.max(-1, header.queueId);
    if (header.bornTime === 0) header.bornTime = this.options.clock();
    const ref = connection.requestRef(request);
    if (this.groups.known(header.consumerGroup) !== undefined) return this.begin(ref, header, connection);
    return this.groups.find(header.consumerGroup).then(() => this.begin(ref, header, connection));
  }

  /** From the admission on: also of a pop that waited, because topic or group may have changed since. */
  private begin(request: RequestRef, header: PopMessageRequest, connection: Connection): Answer | Promise<Answer> {
    const admitted = this.admission.admit(header, this.groups.known(header.consumerGroup), connection.remoteAddress);
    if (admitted instanceof RemotingCommand) return admitted;
    const reviveQueueId = header.order ? POP_ORDER_REVIVE_QUEUE : this.popCount++ % this.options.reviveQueueNum;
    const stages = this.stages.of(header, admitted.topic);
    return this.run(
      createPopRun({ request, header, connection, admitted, popTimeMs: this.options.clock(), reviveQueueId, stages }),
    );
  }

  private run(run: Run): Answer | Promise<Answer> {
    for (; run.stage < run.stages.length; run.stage++, run.queue = 0) {
      const stage = run.stages[run.stage];
      while (run.queue < stage.lookAt) {
        const queueId = (stage.firstQueueId + run.queue++) % stage.queueCount;
        const waiting = this.popQueue(run, stage, queueId);
        if (waiting !== undefined) return waiting.then(() => this.run(run));
      }
    }
    return this.finish(run);
  }

  private popQueue(run: Run, stage: Stage, queueId: number): Promise<void> | undefined {
    const { header } = run;
    const { topic } = stage;
    const group = header.consumerGroup;
    const known = this.checkPoints.queues.find(topic, group, queueId);
    if (known !== undefined) {
      if (known.locked) {
        if (!header.order) this.countRest(run, topic, queueId);
        return undefined;
      }
      if (known.inflight > this.options.inflightThreshold) {
        this.countRest(run, topic, queueId);
        return undefined;
      }
    }
    if (this.offsets.takeReset(topic, group, queueId)) this.orders.clear(topic, group, queueId);
    // What a blocked queue holds counts as nothing: pops that wait would be woken for it in vain.
    if (header.order && this.orders.isBlocked(header.attemptId, topic, group, queueId)) return undefined;
    const isEnough = run.messageCount >= header.maxMsgNums || run.bodyBytes >= POP_MAX_BYTES || run.isFull;
    const offset = this.offsets.next(topic, group, queueId);
    if (isEnough || offset === this.store.maxOffset(topic, queueId)) {
      if (offset >= 0) this.countRest(run, topic, queueId);
      return undefined;
    }
    if (offset >= 0) return this.read(run, stage, queueId, offset, FIRST_READ);
    const first = this.offsets.init(topic, group, queueId, header.initMode);
    if (!(first instanceof Promise)) return this.read(run, stage, queueId, first, FIRST_READ);
    run.lookAgain = true;
    return this.locked(topic, group, queueId, async () => {
      const begin = await first;
      await this.read(run, stage, queueId, begin, FIRST_READ);
    });
  }

  private read(run: Run, stage: Stage, queueId: number, offset: number, isFirst: boolean): Promise<void> | undefined {
    const { topic } = stage;
    let copy: Buffer | undefined;
    const result = this.store.getMessage({
      topic,
      queueId,
      queueOffset: offset,
      maxMessages: run.header.maxMsgNums - run.messageCount,
      maxBytes: POP_MAX_BYTES - run.bodyBytes,
      matches: run.admitted.matches,
      matchesRecord: run.admitted.matchesRecord,
      place: (sizeBytes) => {
        copy = Buffer.allocUnsafe(sizeBytes);
        return { bytes: copy, at: 0 };
      },
    });
    if (!(result instanceof Promise)) {
      const records = copy === undefined ? result.records : [copy.subarray(0, result.sizeBytes)];
      return this.accept(run, stage, queueId, offset, result, records, isFirst);
    }
    run.lookAgain = true;
    return this.locked(topic, run.header.consumerGroup, queueId, async () => {
      const found = await result;
      await this.accept(run, stage, queueId, offset, found, found.records, isFirst);
    });
  }

  /** Keeps other pops away from a queue while the disk is waited for; those that came by meanwhile look again then. */
  private async locked(topic: string, group: string, queueId: number, work: () => Promise<void>): Promise<void> {
    const queue = this.checkPoints.queues.obtain(topic, group, queueId);
    const isOuter = !queue.locked;
    queue.locked = true;
    try {
      await work();
    } finally {
      if (isOuter) {
        queue.locked = false;
        this.checkPoints.queues.dropIfIdle(queue);
      }
    }
  }

  private accept(
    run: Run,
    stage: Stage,
    queueId: number,
    offset: number,
    result: GetResult,
    records: readonly Buffer[],
    isFirst: boolean,
  ): Promise<void> | undefined {
    const { topic } = stage;
    const group = run.header.consumerGroup;
    const next = result.nextBeginOffset;
    switch (result.status) {
      case 'FOUND':
        this.taker.take(run, stage, queueId, offset, result, records);
        break;
      case 'OFFSET_TOO_SMALL':
      case 'OFFSET_OVERFLOW_BADLY':
      case 'OFFSET_FOUND_NULL':
        // The offset leads nowhere: on where the store says.
        if (next >= 0 && next !== offset) {
          this.offsets.commit(topic, group, queueId, next);
          if (isFirst && next < result.maxOffset) return this.read(run, stage, queueId, next, !FIRST_READ);
        }
        break;
      case 'NO_MATCHED_MESSAGE':
      case 'MESSAGE_WAS_REMOVING':
      case 'NO_MATCHED_LOGIC_QUEUE':
        if (next > offset) {
          if (run.header.order) this.offsets.commit(topic, group, queueId, next);
          else this.checkPoints.skipped(this.checkPoints.queues.obtain(topic, group, queueId), next);
          if (next < result.maxOffset) run.lookAgain = true;
        }
        break;
      default:
    }
    run.restNum += Math.max(0, result.maxOffset - next);
    return undefined;
  }

  private countRest(run: Run, topic: string, queueId: number): void {
    const next = this.offsets.nextOrFirst(topic, run.header.consumerGroup, queueId);
    run.restNum += Math.max(0, this.store.maxOffset(topic, queueId) - next);
  }

  private finish(run: Run): Answer | Promise<Answer> {
    const { header, connection, request } = run;
    if (run.messageCount > 0) {
      this.respond(run, ResponseCode.SUCCESS);
      if (run.restNum > 0) this.holds.wakeNext(header.topic, header.consumerGroup, header.queueId);
      return DEFERRED;
    }
    if (run.isFull) {
      this.respond(run, ResponseCode.POLLING_FULL);
      return DEFERRED;
    }
    // What came or was freed while the disk was waited for woke nobody; and behind what a filter took away there may be more.
    if (run.lookAgain && !this.isOver(run)) {
      return new Promise<void>((resolve) => setImmediate(resolve)).then(() =>
        connection.closed ? DEFERRED : this.begin(request, header, connection),
      );
    }
    return this.park(run);
  }

  private isOver({ header }: Run): boolean {
    return header.pollTime <= 0 || header.bornTime + header.pollTime <= this.options.clock();
  }

  private park(run: Run): Answer {
    const { header, connection, request, admitted } = run;
    const result = this.holds.park({
      connection,
      topic: header.topic,
      group: header.consumerGroup,
      queueId: header.queueId,
      matches: admitted.matches,
      deadlineMs: header.pollTime <= 0 ? 0 : header.bornTime + header.pollTime,
      resume: () => this.resume(request, header, connection),
      dismiss: () => this.respond(run, ResponseCode.POLLING_TIMEOUT),
    });
    if (result === 'FULL') this.respond(run, ResponseCode.POLLING_FULL);
    if (result === 'TIMEOUT') this.respond(run, ResponseCode.POLLING_TIMEOUT);
    return DEFERRED;
  }

  private resume(request: RequestRef, header: PopMessageRequest, connection: Connection): void {
    const fail = (error: unknown): void => {
      const remark = error instanceof Error ? error.message : String(error);
      connection.respond(request, refused(ResponseCode.SYSTEM_ERROR, remark));
    };
    const answer = (command: Answer): void => {
      if (command instanceof RemotingCommand) connection.respond(request, command);
    };
    try {
      const begun = this.begin(request, header, connection);
      if (begun instanceof Promise) begun.then(answer, fail);
      else answer(begun);
    } catch (error) {
      fail(error);
    }
  }

  private respond(run: Run, code: number): void {
    const { header, connection, request } = run;
    this.options.given.increment(run.messageCount);
    const remark = code === ResponseCode.SUCCESS ? 'FOUND' : 'NO_MESSAGE_IN_QUEUE';
    connection.respondEncoded(
      request,
      encodePopReply(request.opaque, code, remark, {
        popTimeMs: run.popTimeMs,
        invisibleMs: header.invisibleTime,
        reviveQueueId: run.reviveQueueId,
        restNum: run.restNum,
        startOffsets: run.startOffsets,
        msgOffsets: run.msgOffsets,
        orderCounts: header.order ? run.orderCounts : undefined,
        bodies: run.bodies,
        bodyBytes: run.bodyBytes,
      }),
    );
  }
}
