import {
  decodeNotificationRequest,
  encodeNotificationResponse,
  type NotificationRequest,
  popRetryTopicOf,
  RemotingCommand,
  ResponseCode,
} from '@rocknest/protocol';
import { type Connection, DEFERRED, type RequestRef } from '@rocknest/remoting';
import type { MessageStore } from '@rocknest/store';
import type { Clock } from '../clock.js';
import type { TopicConfigManager } from '../metadata/index.js';
import type { GroupDirectory } from '../topics/group-directory.js';
import type { OrderInfos } from './order-infos.js';
import { type PopAdmission, refused } from './pop-admission.js';
import type { PopHoldService } from './pop-hold-service.js';
import type { PopOffsets } from './pop-offsets.js';

type Answer = RemotingCommand | typeof DEFERRED;

/**
 * Tells a client that there is something to pop, and waits for it.
 *
 * Follows `broker/processor/NotificationProcessor.java`.
 */
export class PopNotifier {
  /** @param holds of notifications alone: one that is woken takes no message from the pops that wait. */
  constructor(
    private readonly store: MessageStore,
    private readonly topics: TopicConfigManager,
    private readonly groups: GroupDirectory,
    private readonly admission: PopAdmission,
    private readonly offsets: PopOffsets,
    private readonly orders: OrderInfos,
    private readonly holds: PopHoldService,
    private readonly clock: Clock,
  ) {}

  /** Handles a NOTIFICATION. */
  notify(request: RemotingCommand, connection: Connection): Answer | Promise<Answer> {
    const header = decodeNotificationRequest(request);
    header.queueId = Math.max(-1, header.queueId);
    if (header.bornTime === 0) header.bornTime = this.clock();
    const ref = connection.requestRef(request);
    if (this.groups.known(header.consumerGroup) !== undefined) return this.begin(ref, header, connection);
    return this.groups.find(header.consumerGroup).then(() => this.begin(ref, header, connection));
  }

  private begin(request: RequestRef, header: NotificationRequest, connection: Connection): Answer {
    const group = this.groups.known(header.consumerGroup);
    const topic = this.admission.admitTarget(header, group, connection.remoteAddress);
    if (topic instanceof RemotingCommand) return topic;
    if (this.hasMessages(header, topic.readQueueNums)) return told(true, false);
    const result = this.holds.park({
      connection,
      topic: header.topic,
      group: header.consumerGroup,
      queueId: header.queueId,
      matches: undefined,
      deadlineMs: header.pollTime <= 0 ? 0 : header.bornTime + header.pollTime,
      resume: () => this.resume(request, header, connection),
      dismiss: () => connection.respond(request, told(false, false)),
    });
    return result === 'PARKED' ? DEFERRED : told(false, result === 'FULL');
  }

  private resume(request: RequestRef, header: NotificationRequest, connection: Connection): void {
    let answer: Answer;
    try {
      answer = this.begin(request, header, connection);
    } catch (error) {
      answer = refused(ResponseCode.SYSTEM_ERROR, error instanceof Error ? error.message : String(error));
    }
    if (answer instanceof RemotingCommand) connection.respond(request, answer);
  }

  private hasMessages(header: NotificationRequest, queueCount: number): boolean {
    const { topic, consumerGroup: group, queueId, order, attemptId } = header;
    if (!order) {
      for (const version of [1, 2] as const) {
        const retryTopic = popRetryTopicOf(topic, group, version);
        const retry = this.topics.get(retryTopic);
        for (let id = 0; id < (retry?.readQueueNums ?? 0); id++) if (this.isBehind(retryTopic, group, id)) return true;
      }
    }
    const has = (id: number): boolean =>
      !(order && this.orders.isBlocked(attemptId, topic, group, id)) && this.isBehind(topic, group, id);
    if (queueId >= 0) return has(queueId);
    for (let id = 0; id < queueCount; id++) if (has(id)) return true;
    return false;
  }

  private isBehind(topic: string, group: string, queueId: number): boolean {
    return this.store.maxOffset(topic, queueId) > this.offsets.nextOrFirst(topic, group, queueId);
  }
}

function told(hasMsg: boolean, pollingFull: boolean): RemotingCommand {
  return RemotingCommand.response(ResponseCode.SUCCESS, {
    fields: encodeNotificationResponse({ hasMsg, pollingFull }),
  });
}
