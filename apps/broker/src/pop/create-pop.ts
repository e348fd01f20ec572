import { encodeHost, popNormalTopicOf, reviveTopicOf } from '@rocknest/protocol';
import type { MessageStore, TimerMessageStore } from '@rocknest/store';
import type { ConsumerManager } from '../clients/consumer-manager.js';
import { systemClock as clock } from '../clock.js';
import type { BrokerConfig } from '../config/broker-settings.js';
import type { BrokerLogger } from '../logger.js';
import type { Metadata } from '../metadata/index.js';
import type { RecentData } from '../offsets/recent-data.js';
import { isSlave } from '../replication/broker-role.js';
import type { Counter } from '../stats/counter-registry.js';
import type { GroupDirectory } from '../topics/group-directory.js';
import type { TopicAutoCreator } from '../topics/topic-auto-creator.js';
import { CheckPoints } from './check-points.js';
import { InvisibleTimeChanger } from './invisible-time-changer.js';
import { MessageAcker } from './message-acker.js';
import { MessagePeeker } from './message-peeker.js';
import { MessagePopper } from './message-popper.js';
import { MessageReviver } from './message-reviver.js';
import { OrderInfos } from './order-infos.js';
import { PopAdmission } from './pop-admission.js';
import { PopHoldService } from './pop-hold-service.js';
import { PopNotifier } from './pop-notifier.js';
import { PopOffsets } from './pop-offsets.js';
import { PopService } from './pop-service.js';
import { PopStages } from './pop-stages.js';
import { PopTaker } from './pop-taker.js';
import { QueueAssigner } from './queue-assigner.js';
import { ReviveLog } from './revive-log.js';
import { ReviveReader } from './revive-reader.js';
import { ReviveRecords } from './revive-records.js';
import { RouteSource } from './route-source.js';
import { TimerAcks } from './timer-acks.js';

export interface PopOptions {
  readonly config: BrokerConfig;
  readonly store: MessageStore;
  readonly metadata: Metadata;
  readonly consumers: ConsumerManager;
  readonly groups: GroupDirectory;
  readonly creator: TopicAutoCreator;
  readonly recent: RecentData;
  readonly advertisedIp: string;
  readonly brokerPermission: () => number;
  /** Messages that were given to consumers. */
  readonly given: Counter;
  readonly timer: TimerMessageStore;
  readonly logger: BrokerLogger;
}

/** Everything of POP consumption that requests need, and what runs by itself. */
export interface Pop {
  readonly service: PopService;
  readonly checkPoints: CheckPoints;
  readonly admission: PopAdmission;
  /** Pops that wait. */
  readonly holds: PopHoldService;
  /** Notifications that wait. */
  readonly notificationHolds: PopHoldService;
  readonly popper: MessagePopper;
  readonly acker: MessageAcker;
  readonly changer: InvisibleTimeChanger;
  readonly notifier: PopNotifier;
  readonly peeker: MessagePeeker;
  readonly assigner: QueueAssigner;
  readonly routes: RouteSource;
}

/** Puts POP consumption together. */
export function createPop(options: PopOptions): Pop {
  const { config, store, metadata, groups, creator, logger, brokerPermission, advertisedIp: brokerIp } = options;
  const { topics, offsets } = metadata;
  const { brokerName, reviveQueueNum, maxPopInvisibleTime: maxInvisibleMs } = config;
  const retryTopicVersion = config.enableRetryTopicV2 ? 2 : 1;
  const inflightThreshold = config.enablePopMessageThreshold ? config.popInflightMessageThreshold : Infinity;

  const log = new ReviveLog(
    store,
    reviveTopicOf(config.brokerClusterName),
    encodeHost(`${brokerIp}:${config.listenPort}`),
  );
  const checkPoints = new CheckPoints(store, offsets, log, {
    brokerName,
    reviveQueueNum,
    maxCheckPoints: config.popCkMaxBufferSize,
    stayBufferMs: config.popCkStayBufferTime,
    isKnown: (topic, group) => topics.get(topic) !== undefined && metadata.groups.get(group) !== undefined,
    logger,
  });
  const holdOptions = {
    maxParked: config.maxPopPollingSize,
    maxParkedPerQueue: config.popPollingSize,
    maxQueues: config.popPollingMapSize,
    clock,
  };
  const holds = new PopHoldService(holdOptions);
  const notificationHolds = new PopHoldService(holdOptions);
  const orders = new OrderInfos(metadata.orderInfos, clock);
  const admission = new PopAdmission(topics, {
    brokerPermission,
    brokerIp,
    maxInvisibleMs,
    isSlave: isSlave(config),
    filters: config,
    clock,
  });
  const popOffsets = new PopOffsets(store, offsets, checkPoints, options.recent, config.initPopOffsetByCheckMsgInMem);
  const reviver = new MessageReviver(store, checkPoints, topics, metadata.groups, creator, {
    retryTopicVersion,
    onRevived: (topic, group) => service.wake(topic, group),
    logger,
  });
  const records = new ReviveRecords(checkPoints, brokerName, clock);
  const reader = new ReviveReader(store, checkPoints.progress, records, { topic: log.topic, reviveQueueNum, logger });
  const service = new PopService(checkPoints, reviver, reader, records, orders, [holds, notificationHolds], {
    clock,
    exists: (topic, group, queueId) =>
      queueId < (topics.get(topic)?.readQueueNums ?? 0) &&
      metadata.groups.get(group) !== undefined &&
      topics.get(popNormalTopicOf(topic, group)) !== undefined,
    isTimerBehind: () => options.timer.isBehind,
    onError: (error) => logger.warn(`POP: ${error instanceof Error ? error.message : String(error)}; trying again`),
  });
  const timerAcks = new TimerAcks(log, {
    brokerName,
    reviveQueueNum,
    clock,
    hasTimed: () => config.timerWheelEnable && options.timer.metrics.countOf(log.topic) > 0,
    logger,
  });
  const onOrderChanged = service.orderChanged.bind(service);
  const stages = new PopStages(topics, {
    popFromRetryProbability: config.popFromRetryProbability,
    retryTopicVersion,
    alsoRetryTopicV1: config.enableRetryTopicV2 && config.retrieveMessageFromPopRetryTopicV1,
    random: Math.random,
  });
  const taker = new PopTaker(popOffsets, checkPoints, orders, {
    brokerName,
    returnActualRetryTopic: config.popResponseReturnActualRetryTopic,
    onOrderChanged,
  });
  const routes = new RouteSource(clock);
  return {
    service,
    checkPoints,
    admission,
    holds,
    notificationHolds,
    popper: new MessagePopper(store, stages, taker, groups, admission, popOffsets, checkPoints, orders, holds, {
      reviveQueueNum,
      inflightThreshold,
      clock,
      given: options.given,
    }),
    acker: new MessageAcker(store, topics, offsets, checkPoints, orders, holds, inflightThreshold, timerAcks),
    changer: new InvisibleTimeChanger(store, topics, offsets, checkPoints, orders, {
      maxInvisibleMs,
      reviveQueueNum,
      clock,
      timerAcks,
      onOrderChanged,
    }),
    notifier: new PopNotifier(store, topics, groups, admission, popOffsets, orders, notificationHolds, clock),
    peeker: new MessagePeeker(store, topics, groups, admission, popOffsets, retryTopicVersion),
    assigner: new QueueAssigner(options.consumers, metadata.requestModes, routes, {
      serverLoadBalancerEnable: config.serverLoadBalancerEnable,
      defaultMode: config.defaultMessageRequestMode,
      defaultPopShareQueueNum: config.defaultPopShareQueueNum,
    }),
    routes,
  };
}
