import type { MessageExt, MessageQueue, SubscriptionData } from '@rocknest/protocol';
import type { ClientInstance } from '../../instance/client-instance.js';
import type { ConsumeMessageService } from '../consume-message-service.js';
import type { QueueSelector } from '../paused-queues.js';
import { AssignmentApi } from './assignment-api.js';
import { BrokerRebalance, type BrokerAssignments, type TopicAssignment } from './broker-rebalance.js';
import type { PopAnswer } from './pop-api.js';
import { PopApi } from './pop-api.js';
import { PopAssignments } from './pop-assignments.js';
import type { ResolvedPopOptions } from './pop-options.js';
import { PopSettlement } from './pop-settlement.js';

export interface PopConsumptionParts {
  group: string;
  options: ResolvedPopOptions;
  strategyName: string;
  maxReconsumeTimes: number;
  instance: ClientInstance;
  subscriptionOf(topic: string): SubscriptionData | undefined;
  /** Called with what a pop brought before it is handed out. */
  onPopped(topic: string, answer: PopAnswer, tookMs: number): void;
  /** Puts a message into the group's dead letter queue. */
  sendToDlq(message: MessageExt, queue: MessageQueue): Promise<void>;
  /** The group pulls a topic, so its pop retry topic is to be pulled too, or no more. */
  pullsInsteadOfPops(topic: string, pulls: boolean): void;
}

/** The popping half of a push consumer with `mode: 'pop'`: assignments, loops, settlement (RocketMQ: the pop parts of `DefaultMQPushConsumerImpl.java`). */
export class PopConsumption implements BrokerAssignments {
  readonly settlement: PopSettlement;
  private readonly rebalance: BrokerRebalance;
  private assignments: PopAssignments | undefined = undefined;

  constructor(private readonly parts: PopConsumptionParts) {
    const { group, options, strategyName, instance } = parts;
    this.settlement = new PopSettlement({
      group,
      api: new PopApi(instance),
      instance,
      invisibleTimeMs: options.invisibleTimeMs,
      renewForMs: options.renewForMs,
      maxReconsumeTimes: parts.maxReconsumeTimes,
      sendToDlq: (message, queue) => parts.sendToDlq(message, queue),
      logger: instance.logger,
    });
    this.rebalance = new BrokerRebalance({
      group,
      strategyName,
      setRequestMode: options.setRequestMode,
      shareQueueNum: options.shareQueueNum,
      api: new AssignmentApi(instance),
      pullsInsteadOfPops: (topic, pulls) => parts.pullsInsteadOfPops(topic, pulls),
      logger: instance.logger,
    });
  }

  /** The service that hands popped messages out. Before the first rebalance. */
  connect(service: Pick<ConsumeMessageService, 'submit'>): void {
    const { group, options, instance } = this.parts;
    this.assignments = new PopAssignments({
      group,
      instance,
      api: new PopApi(instance),
      settlement: this.settlement,
      service,
      subscriptionOf: (topic) => this.parts.subscriptionOf(topic),
      onPopped: (topic, answer, tookMs) => this.parts.onPopped(topic, answer, tookMs),
      batchNums: options.batchNums,
      invisibleTimeMs: options.invisibleTimeMs,
      threshold: options.threshold,
      initMode: options.initMode,
    });
  }

  /** What is popped now; queue id -1 stands for all queues of the broker. */
  get queues(): { queue: MessageQueue; held: number; lastPopMs: number }[] {
    return [...(this.assignments?.all ?? [])].map(({ processQueue }) => {
      const { topic, brokerName, queueId } = processQueue.queue;
      return {
        queue: { topic, brokerName, queueId },
        held: processQueue.messageCount,
        lastPopMs: processQueue.lastPopMs,
      };
    });
  }

  assignmentOf(topic: string): Promise<TopicAssignment> {
    return this.rebalance.assignmentOf(topic);
  }

  assignPops(topic: string, queues: readonly MessageQueue[]): void {
    this.assignments?.assign(topic, queues);
  }

  retain(topics: ReadonlySet<string>): void {
    this.assignments?.retain(topics);
  }

  /** The topic's filter changed. */
  popAnew(topic: string): void {
    this.assignments?.popAnew(topic);
  }

  /** No pop begins; what waits here goes to others when its invisible time is over. */
  suspend(): void {
    this.settlement.keepsWaiting = false;
    this.assignments?.suspend();
  }

  resume(): void {
    this.settlement.keepsWaiting = true;
    this.assignments?.resume();
  }

  /** These topics rest as `suspend` lets all rest. */
  pause(selectors: readonly QueueSelector[]): void {
    this.assignments?.pause(selectors);
  }

  /** Ends the pauses within `selectors`. */
  goOn(selectors: readonly QueueSelector[]): void {
    this.assignments?.goOn(selectors);
  }

  /** No pop begins any more, and what no handler has begun with goes back at once. */
  stop(): void {
    this.settlement.keepsWaiting = false;
    this.assignments?.stop();
  }

  /** For the end: waits for the answers to acknowledgements. What was not begun goes back too when `idle` says that nothing runs any more. */
  async drain(idle: boolean, timeoutMs: number): Promise<boolean> {
    if (idle) this.assignments?.releaseAll();
    return this.settlement.flush(timeoutMs);
  }
}
