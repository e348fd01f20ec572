import { isRetryTopic, ResponseCode, type MessageQueue, type MessageRequestMode } from '@rocknest/protocol';
import { errorText, responseCodeOf } from '../../errors.js';
import { LogLimiter, type ClientLogger } from '../../logger.js';
import type { AssignmentApi } from './assignment-api.js';

/** Who shares a topic out, and what this member gets of it. */
export type TopicAssignment =
  | { readonly by: 'BROKER'; readonly pullQueues: readonly MessageQueue[]; readonly popQueues: readonly MessageQueue[] }
  /** The members have to do it: the broker is older than 5.0. */
  | { readonly by: 'MEMBERS' }
  /** Could not be found out: everything stays as it is. */
  | { readonly by: 'NOBODY' };

/** What a rebalance needs where brokers share the queues out. */
export interface BrokerAssignments {
  /** Never rejects. */
  assignmentOf(topic: string): Promise<TopicAssignment>;
  /** Exactly these queues of the topic are popped from now on. Called after the queues that are pulled no more were given up. */
  assignPops(topic: string, queues: readonly MessageQueue[]): void;
  /** Only these topics are subscribed to. */
  retain(topics: ReadonlySet<string>): void;
}

export interface BrokerRebalanceOptions {
  group: string;
  strategyName: string;
  /** Change a topic that the brokers let the group pull to POP, once. */
  setRequestMode: boolean;
  shareQueueNum: number;
  api: Pick<AssignmentApi, 'query' | 'setMode'>;
  /** The group pulls this topic: what it popped before and did not acknowledge lies in a retry topic of its own, and is to be pulled too. */
  pullsInsteadOfPops(topic: string, pulls: boolean): void;
  logger: ClientLogger;
}

/**
 * Asks brokers which queues this member gets, and whether by pops or pulls (RocketMQ: `RebalanceImpl.getRebalanceResultFromBroker`).
 */
export class BrokerRebalance {
  private readonly modeAskedFor = new Set<string>();
  private readonly troubles = new LogLimiter();

  constructor(private readonly options: BrokerRebalanceOptions) {}

  async assignmentOf(topic: string): Promise<TopicAssignment> {
    const { api, group, strategyName, logger } = this.options;
    try {
      let assignments = await api.query(group, topic, strategyName);
      if (assignments?.some(({ mode }) => mode === 'PULL') && (await this.changeToPop(topic))) {
        assignments = await api.query(group, topic, strategyName);
      }
      if (!assignments) {
        this.complain(
          topic,
          `a broker could not say which queues of ${topic} are this member's; they stay as they are`,
        );
        return { by: 'NOBODY' };
      }
      this.troubles.clear(topic);
      const queuesBy = (wanted: MessageRequestMode): MessageQueue[] =>
        assignments.filter(({ mode }) => mode === wanted).map(({ messageQueue }) => messageQueue);
      const popQueues = queuesBy('POP');
      if (!isRetryTopic(topic) && assignments.length > 0) {
        this.options.pullsInsteadOfPops(topic, popQueues.length === 0);
      }
      return { by: 'BROKER', popQueues, pullQueues: queuesBy('PULL') };
    } catch (error) {
      if (responseCodeOf(error) === ResponseCode.REQUEST_CODE_NOT_SUPPORTED) {
        if (!isRetryTopic(topic) && this.troubles.allows(`old ${topic}`)) {
          logger.warn(
            `group ${group}: topic ${topic} is pulled and shared out by the members, because a broker of it knows no POP (RocketMQ before 5.0)`,
          );
        }
        return { by: 'MEMBERS' };
      }
      this.complain(
        topic,
        `queues of ${topic} stay as they are, the assignment was not found out: ${errorText(error)}`,
      );
      return { by: 'NOBODY' };
    }
  }

  /** @returns true when the brokers were told and are to be asked again. */
  private async changeToPop(topic: string): Promise<boolean> {
    const { api, group, shareQueueNum, setRequestMode, logger } = this.options;
    if (!setRequestMode || isRetryTopic(topic) || this.modeAskedFor.has(topic)) return false;
    try {
      await api.setMode({ topic, consumerGroup: group, mode: 'POP', popShareQueueNum: shareQueueNum });
      this.modeAskedFor.add(topic);
      return true;
    } catch (error) {
      // A refusal that will not change is told once; what may pass is tried again with the next round.
      const code = responseCodeOf(error);
      if (code === ResponseCode.NO_PERMISSION || code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED) {
        this.modeAskedFor.add(topic);
      }
      if (this.troubles.allows(`mode ${topic}`)) {
        logger.warn(
          `group ${group}: topic ${topic} is pulled, the brokers did not take the request mode POP: ${errorText(error)}`,
        );
      }
      return false;
    }
  }

  private complain(topic: string, text: string): void {
    if (this.troubles.allows(topic)) this.options.logger.warn(`group ${this.options.group}: ${text}`);
  }
}
