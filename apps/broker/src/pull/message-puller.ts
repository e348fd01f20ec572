import {
  decodePullMessageRequest,
  MASTER_ID,
  type PullMessageRequest,
  PullSysFlag,
  RemotingCommand,
  ResponseCode,
} from '@rocknest/protocol';
import { type Connection, DEFERRED, type RequestRef } from '@rocknest/remoting';
import type { GetResult, MessageStore } from '@rocknest/store';
import type { Clock } from '../clock.js';
import { MAX_SUSPEND_MS } from '../defaults.js';
import type { ConsumerOffsetManager } from '../metadata/index.js';
import type { Counter } from '../stats/counter-registry.js';
import type { GroupDirectory } from '../topics/group-directory.js';
import type { PullRequestHoldService } from './hold-service.js';
import type { AdmittedPull, PullAdmission } from './pull-admission.js';
import type { PullReplicas } from './pull-replicas.js';
import type { CatchUpShare } from './catch-up-share.js';
import { encodePullReply } from './pull-reply.js';
import { PullHeadLength, PullReplyRoom } from './pull-reply-room.js';
import { pullResponseCode } from './pull-status.js';

export interface MessagePullerOptions {
  /** Park pulls that found nothing for as long as their client asks; otherwise for `shortPollingTimeMs`. */
  readonly longPollingEnable: boolean;
  readonly shortPollingTimeMs: number;
  readonly clock: Clock;
  readonly replicas: PullReplicas;
  /** What pulls of consumers far behind take of the event loop. */
  readonly catchUp: CatchUpShare;
  /** Messages that were given to consumers. */
  readonly given: Counter;
}

const GOING_DOWN = 'the broker is shutting down';

/** A pull on its way, without the frame that it came in. */
interface Pull {
  readonly request: RequestRef;
  readonly header: PullMessageRequest;
  readonly connection: Connection;
  /** Where it reads: behind what its client asked for when it was parked and its filter let nothing through since. */
  queueOffset: number;
  /** When it is answered with what there is, in ms since 1970; undefined as long as it was not parked. */
  deadlineMs: number | undefined;
}

/**
 * One pull from its admission to its answer: read from the store, answer what was found, or park what found nothing.
 *
 * Follows `broker/processor/PullMessageProcessor.java` and `DefaultPullMessageResultHandler.java`.
 */
export class MessagePuller {
  private readonly headLength = new PullHeadLength();

  constructor(
    private readonly store: MessageStore,
    private readonly admission: PullAdmission,
    private readonly groups: GroupDirectory,
    private readonly offsets: ConsumerOffsetManager,
    private readonly holds: PullRequestHoldService,
    private readonly options: MessagePullerOptions,
  ) {}

  /** Handles a PULL_MESSAGE or LITE_PULL_MESSAGE. */
  pull(
    request: RemotingCommand,
    connection: Connection,
  ): RemotingCommand | typeof DEFERRED | Promise<RemotingCommand | typeof DEFERRED> {
    // Answered "nothing found", an old client would ask again at once, until the connection is closed under it.
    if (this.holds.closed) return goingDown();
    const refusal = this.admission.checkBroker();
    if (refusal !== undefined) return refusal;
    const header = decodePullMessageRequest(request);
    const ref = connection.requestRef(request);
    const { queueOffset } = header;
    const pull: Pull = { request: ref, header, connection, queueOffset, deadlineMs: undefined };
    const group = this.groups.known(header.consumerGroup);
    if (group !== undefined) return this.run(pull, this.admission.admit(header, group, connection.remoteAddress), true);
    return this.groups
      .find(header.consumerGroup)
      .then((created) => this.run(pull, this.admission.admit(header, created, connection.remoteAddress), true));
  }

  private run(
    pull: Pull,
    admitted: AdmittedPull | RemotingCommand,
    maySuspend: boolean,
    /** It has waited already, as one of a consumer far behind. */
    isItsTurn = false,
  ): RemotingCommand | typeof DEFERRED | Promise<RemotingCommand | typeof DEFERRED> {
    if (admitted instanceof RemotingCommand) return admitted;
    const { header } = pull;
    const resetOffset = this.offsets.resets.tell(header.consumerGroup, header.topic, header.queueId, pull.connection);
    if (resetOffset !== undefined) return this.answerReset(pull, admitted, resetOffset);
    if (!this.options.replicas.serves) return this.sendToMaster(pull, admitted);
    const { catchUp } = this.options;
    if (this.store.readsTail(admitted.topic.topicName, header.queueId, pull.queueOffset)) {
      return this.read(pull, admitted, maySuspend);
    }
    if (catchUp.isOpen || isItsTurn) return catchUp.spend(() => this.read(pull, admitted, maySuspend));
    catchUp.wait(() => this.resume(pull, maySuspend, true));
    return DEFERRED;
  }

  private read(
    pull: Pull,
    admitted: AdmittedPull,
    maySuspend: boolean,
  ): RemotingCommand | typeof DEFERRED | Promise<RemotingCommand | typeof DEFERRED> {
    const { header } = pull;
    const room = new PullReplyRoom(pull.connection, this.headLength);
    const result = this.store.getMessage({
      topic: admitted.topic.topicName,
      queueId: header.queueId,
      queueOffset: pull.queueOffset,
      maxMessages: Math.max(1, header.maxMsgNums),
      maxBytes: header.maxMsgBytes,
      matches: admitted.matches,
      matchesRecord: admitted.matchesRecord,
      place: (sizeBytes) => room.place(sizeBytes),
    });
    if (result instanceof Promise) {
      // What was not in memory was read for a consumer far behind.
      const { catchUp } = this.options;
      return result.then((found) => catchUp.spend(() => this.settle(pull, admitted, found, maySuspend, undefined)));
    }
    return this.settle(pull, admitted, result, maySuspend, room);
  }

  private settle(
    pull: Pull,
    admitted: AdmittedPull,
    result: GetResult,
    maySuspend: boolean,
    /** Where the records are, unless the disk had to be waited for. */
    room: PullReplyRoom | undefined,
  ): typeof DEFERRED | Promise<RemotingCommand | typeof DEFERRED> | RemotingCommand {
    const { header, connection, request } = pull;
    if (
      maySuspend &&
      // A slave's offsets come from its master; what consumers commit while that is gone comes by other requests.
      !this.options.replicas.isSlave &&
      (header.sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0 &&
      header.commitOffset >= 0 &&
      this.offsets.resets.find(header.consumerGroup, admitted.topic.topicName, header.queueId) === undefined
    ) {
      this.offsets.commit(header.consumerGroup, admitted.topic.topicName, header.queueId, header.commitOffset);
    }
    const { replicas } = this.options;
    const code = replicas.responseCode(pullResponseCode(result.status, header.queueOffset), result.status);
    if (result.nextBeginOffset !== header.queueOffset && replicas.keepsOffset(result.status))
      result = { ...result, nextBeginOffset: header.queueOffset };
    if (code === ResponseCode.PULL_NOT_FOUND && maySuspend && (header.sysFlag & PullSysFlag.SUSPEND) !== 0) {
      // A message that arrived while the store was read from the disk woke nobody: look again instead of parking.
      const arrived = room === undefined && this.store.maxOffset(header.topic, header.queueId) > header.queueOffset;
      if (arrived) return this.run(pull, admitted, false);
      if (this.park(pull, admitted)) return DEFERRED;
    }
    if (this.parkAgain(pull, admitted, result)) return DEFERRED;
    const suggested = replicas.suggestedBroker(admitted.group, result);
    this.options.given.increment(result.messageCount);
    if (room?.isUsed === true && result.messageCount > 0) room.respond(request, code, result, admitted, suggested);
    else connection.respondEncoded(request, encodePullReply(request.opaque, code, result, admitted, suggested));
    return DEFERRED;
  }

  /** A slave that nobody may read from (slaveReadEnable). */
  private sendToMaster(pull: Pull, admitted: AdmittedPull): typeof DEFERRED {
    const { request, connection } = pull;
    const { opaque } = request;
    connection.respondEncoded(
      request,
      encodePullReply(opaque, ResponseCode.PULL_RETRY_IMMEDIATELY, this.nothing(pull), admitted, MASTER_ID),
    );
    return DEFERRED;
  }

  /** An administrator moved the group: the member drops what it holds of the queue, and goes on there. Nothing that it did so far is committed. */
  private answerReset(pull: Pull, admitted: AdmittedPull, resetOffset: number): typeof DEFERRED {
    const { request, connection, header } = pull;
    const result: GetResult = { ...this.nothing(pull), status: 'OFFSET_RESET', nextBeginOffset: resetOffset };
    connection.respondEncoded(
      request,
      encodePullReply(
        request.opaque,
        pullResponseCode(result.status, header.queueOffset),
        result,
        admitted,
        this.options.replicas.suggestedBroker(admitted.group, result),
      ),
    );
    return DEFERRED;
  }

  /**
   * A parked pull that a message woke which its filter of properties does not let through waits for the next one, and does not look at this one again. RocketMQ
   * asks such a filter before it wakes the pull.
   */
  private parkAgain(pull: Pull, admitted: AdmittedPull, { status, nextBeginOffset, maxOffset }: GetResult): boolean {
    const { header, deadlineMs } = pull;
    if (admitted.matchesRecord === undefined || status !== 'NO_MATCHED_MESSAGE') return false;
    if (deadlineMs === undefined || this.options.clock() >= deadlineMs) return false;
    // There is more to look at: the client comes for it.
    if (nextBeginOffset < Math.max(maxOffset, this.store.maxOffset(header.topic, header.queueId))) return false;
    pull.queueOffset = nextBeginOffset;
    return this.park(pull, admitted);
  }

  private park(pull: Pull, admitted: AdmittedPull): boolean {
    const { header, connection } = pull;
    const wishedMs = this.options.longPollingEnable ? header.suspendTimeoutMillis : this.options.shortPollingTimeMs;
    pull.deadlineMs ??= this.options.clock() + Math.min(Math.max(0, wishedMs), MAX_SUSPEND_MS);
    return this.holds.park({
      connection,
      topic: admitted.topic.topicName,
      queueId: header.queueId,
      queueOffset: pull.queueOffset,
      matches: admitted.matches,
      deadlineMs: pull.deadlineMs,
      resume: () => this.resume(pull, false),
      dismiss: () => {
        const result = this.nothing(pull);
        const suggested = this.options.replicas.suggestedBroker(admitted.group, result);
        const { opaque } = pull.request;
        connection.respondEncoded(
          pull.request,
          encodePullReply(opaque, ResponseCode.PULL_NOT_FOUND, result, admitted, suggested),
        );
      },
    });
  }

  /** Runs a pull that waited once more, from its admission on, because topic, group or subscription may have changed since. */
  private resume(pull: Pull, maySuspend: boolean, isItsTurn = false): void {
    const { header, connection } = pull;
    if (connection.closed) return;
    const group = this.groups.known(header.consumerGroup);
    try {
      const admitted =
        isItsTurn && this.holds.closed ? goingDown() : this.admission.admit(header, group, connection.remoteAddress);
      const answer = this.run(pull, admitted, maySuspend, isItsTurn);
      if (answer instanceof Promise) answer.then(this.answer(pull), this.fail(pull));
      else this.answer(pull)(answer);
    } catch (error) {
      this.fail(pull)(error);
    }
  }

  private answer(pull: Pull): (answer: RemotingCommand | typeof DEFERRED) => void {
    return (answer) => {
      if (answer instanceof RemotingCommand) pull.connection.respond(pull.request, answer);
    };
  }

  private fail(pull: Pull): (error: unknown) => void {
    return (error) => {
      const remark = error instanceof Error ? error.message : String(error);
      pull.connection.respond(pull.request, RemotingCommand.response(ResponseCode.SYSTEM_ERROR, { remark }));
    };
  }

  private nothing({ header, queueOffset }: Pull): GetResult {
    return {
      status: 'OFFSET_OVERFLOW_ONE',
      nextBeginOffset: queueOffset,
      minOffset: this.store.minOffset(header.topic, header.queueId),
      maxOffset: this.store.maxOffset(header.topic, header.queueId),
      records: [],
      messageCount: 0,
      sizeBytes: 0,
      suggestPullingFromSlave: false,
    };
  }
}

function goingDown(): RemotingCommand {
  return RemotingCommand.response(ResponseCode.SYSTEM_BUSY, { remark: GOING_DOWN });
}
