import { type HARuntimeInfo, SCHEDULE_TOPIC, TIMER_TOPIC } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { MessageStore, TimerMessageStore } from '@rocknest/store';
import { ConsumerIdsNotifier } from './clients/consumer-ids-notifier.js';
import { ClientRelay } from './clients/client-relay.js';
import { ConsumerManager } from './clients/consumer-manager.js';
import { HeartbeatIntake } from './clients/heartbeat-intake.js';
import { ProducerManager } from './clients/producer-manager.js';
import { SubscriptionMismatchMonitor } from './clients/subscription-mismatch-monitor.js';
import { systemClock } from './clock.js';
import { BrokerSettingsInForce } from './config/broker-settings-in-force.js';
import { CLIENT_SCAN_INTERVAL_MS } from './defaults.js';
import { SubscriptionCheck } from './filter/subscription-check.js';
import type { BrokerLogger } from './logger.js';
import {
  ConsumerOffsetManager,
  DelayOffsetManager,
  MessageRequestModeManager,
  type Metadata,
  SubscriptionGroupManager,
  TopicConfigManager,
} from './metadata/index.js';
import { OffsetResetter } from './offsets/offset-resetter.js';
import { RecentData } from './offsets/recent-data.js';
import { type Pop, createPop } from './pop/create-pop.js';
import { InvisibleTimeChanger } from './pop/invisible-time-changer.js';
import { MessageAcker } from './pop/message-acker.js';
import { MessagePeeker } from './pop/message-peeker.js';
import { MessagePopper } from './pop/message-popper.js';
import { PopAdmission } from './pop/pop-admission.js';
import { PopHoldService } from './pop/pop-hold-service.js';
import { PopNotifier } from './pop/pop-notifier.js';
import { CheckPoints } from './pop/check-points.js';
import { QueueAssigner } from './pop/queue-assigner.js';
import { PullRequestHoldService } from './pull/hold-service.js';
import { CatchUpShare } from './pull/catch-up-share.js';
import { MessagePuller } from './pull/message-puller.js';
import { PullAdmission } from './pull/pull-admission.js';
import { PullReplicas } from './pull/pull-replicas.js';
import { QueryLimits } from './query/query-limits.js';
import { MinBrokerIdChanges } from './registration/min-broker-id-changes.js';
import { isSlave } from './replication/broker-role.js';
import { HaStatus } from './replication/ha-status.js';
import { MetadataFollowers } from './replication/metadata-followers.js';
import { RebalanceLockManager } from './rebalance/rebalance-lock-manager.js';
import { delayedMessageReader, delayedMessageSink, ScheduleMessageService } from './schedule/index.js';
import { BatchSender } from './send/batch-sender.js';
import { MessageRules } from './send/message-rules.js';
import { MessageSendBack } from './send/message-send-back.js';
import { ReplyMessages } from './reply/reply-messages.js';
import { MessageSender } from './send/message-sender.js';
import { PropertyCompleter } from './send/property-completer.js';
import { PutGate } from './send/put-gate.js';
import { RetryGate } from './send/retry-gate.js';
import { SendReplies } from './send/send-replies.js';
import { SendReplyEncoder } from './send/send-reply-encoder.js';
import { UsualReplyEncoder } from './send/usual-reply-encoder.js';
import { UsualSender } from './send/usual-sender.js';
import { BrokerFacts } from './stats/broker-facts.js';
import { type Counter, CounterRegistry } from './stats/counter-registry.js';
import { buildTimer, type TimerParts } from './timer/build-timer.js';
import { MessageRecaller } from './timer/message-recaller.js';
import { GroupAdmin } from './topics/group-admin.js';
import { GroupDirectory } from './topics/group-directory.js';
import { SystemTopicSet } from './topics/system-topics.js';
import { TopicAdmin } from './topics/topic-admin.js';
import { TopicAnnouncer } from './topics/topic-announcer.js';
import { TopicAutoCreator } from './topics/topic-auto-creator.js';
import { buildTransactions, type TransactionParts } from './transaction/build-transactions.js';
import { TransactionEnd } from './transaction/transaction-end.js';

export interface BrokerServicesOptions {
  readonly settings: BrokerSettingsInForce;
  readonly store: MessageStore;
  readonly metadata: Metadata;
  /** Delay of each level in milliseconds, level 1 first. */
  readonly delayLevelsMs: readonly number[];
  /** Address that clients are told, without the port. */
  readonly advertisedIp: string;
  readonly createUniqKey: () => string;
  /** Whether a slave follows this broker now. */
  readonly hasSlaves: () => boolean;
  readonly haStatus: () => HARuntimeInfo;
  /** False while consumers must not read from this slave. */
  readonly isReadable: () => boolean;
  readonly logger: BrokerLogger;
}

/**
 * Everything that the handlers use, put together. Handlers get these by type; nothing here knows Nest.
 */
export class BrokerServices {
  readonly announcer = new TopicAnnouncer();
  readonly holds: PullRequestHoldService;
  readonly schedule: ScheduleMessageService;
  readonly pop: Pop;
  private readonly consumers: ConsumerManager;
  private readonly producers: ProducerManager;
  private readonly notifier = new ConsumerIdsNotifier();
  private readonly counters = new CounterRegistry();
  private readonly given: Counter;
  private readonly mismatches: SubscriptionMismatchMonitor;
  private readonly locks: RebalanceLockManager;
  private readonly transactions: TransactionParts;
  private readonly timer: TimerParts;
  private readonly byType = new Map<ServiceType, object>();
  private scanTimer: NodeJS.Timeout | undefined = undefined;

  constructor(private readonly options: BrokerServicesOptions) {
    const { store, metadata } = options;
    const config = options.settings.values;
    const managers = { maxGroups: config.maxClientGroups, channelExpiredTimeoutMs: config.channelExpiredTimeout };
    this.consumers = new ConsumerManager({ ...managers, clock: systemClock });
    this.producers = new ProducerManager({ ...managers, clock: systemClock });
    this.locks = new RebalanceLockManager({
      maxLiveMs: config.rebalanceLockMaxLiveTimeMs,
      maxLocks: config.maxQueueLocks,
      clock: systemClock,
    });
    this.holds = new PullRequestHoldService({
      maxParked: config.maxParkedPulls,
      clock: systemClock,
    });
    this.schedule = new ScheduleMessageService({
      delayLevelsMs: options.delayLevelsMs,
      reader: delayedMessageReader(store),
      sink: delayedMessageSink(store, (message, reason) =>
        options.logger.warn(`a delayed message (${message.msgId}) cannot be delivered and is dropped: ${reason}`),
      ),
      offsets: metadata.delayOffsets,
      onError: (level, error) => options.logger.warn(`delay level ${level}: ${String(error)}; trying again`),
    });
    this.transactions = buildTransactions({ ...options, config, producers: this.producers });
    this.timer = buildTimer({
      config,
      store,
      topics: metadata.topics,
      counters: this.counters,
      logger: options.logger,
    });
    this.given = this.counters.counter(
      'msgGetTotalTodayNow',
      'Messages given to consumers by pulls and pops since the start of the broker.',
    );
    this.mismatches = new SubscriptionMismatchMonitor(this.counters, options.logger, systemClock);
    this.pop = this.provide();
    this.connect();
  }

  private get isSlave(): boolean {
    return isSlave(this.options.settings.values);
  }

  /** What was set for a group that is gone. */
  groupDeleted(consumerGroup: string): void {
    this.forgetModes({ consumerGroup });
  }

  /** All services by their class. */
  all(): ReadonlyMap<ServiceType, object> {
    return this.byType;
  }

  async start(): Promise<void> {
    // A slave does none of what writes messages: its master does.
    if (!this.isSlave) {
      this.schedule.start();
      this.pop.service.start();
      this.transactions.service.start();
    }
    this.scanTimer = setInterval(() => {
      this.consumers.scanNotActiveChannels();
      this.producers.scanNotActiveChannels();
      this.locks.dropExpired();
      this.mismatches.remind();
    }, CLIENT_SCAN_INTERVAL_MS).unref();
    const { timerWheelEnable } = this.options.settings.values;
    if (timerWheelEnable) await this.timer.messages.start(this.isSlave ? 'slave' : 'master');
  }

  connectionClosed(connection: Connection): void {
    this.consumers.connectionClosed(connection);
    this.producers.connectionClosed(connection);
  }

  /** Stops what runs by itself; parked pulls and pops are answered. */
  async stop(): Promise<void> {
    clearInterval(this.scanTimer);
    this.notifier.close();
    this.holds.close();
    this.pop.service.closeHolds();
    await this.schedule.stop();
    await this.timer.messages.stop();
    await this.transactions.service.stop();
  }

  private provide(): Pop {
    const { settings, store, metadata, delayLevelsMs, advertisedIp } = this.options;
    const config = settings.values;
    const { topics, groups, offsets } = metadata;
    const brokerPermission = (): number => config.brokerPermission;
    const { isSlave } = this;
    const permission = { brokerPermission, brokerIp: advertisedIp };
    const {
      regionId,
      traceOn,
      maxMessageSize: maxMessageSizeBytes,
      maxSubscriptionGroups: maxGroups,
      maxTopics,
    } = config;

    const creator = new TopicAutoCreator(topics, {
      autoCreateTopicEnable: config.autoCreateTopicEnable,
      maxTopics,
      onCreated: ({ topicName }) => void this.announcer.changed([topicName]),
    });
    const directory = new GroupDirectory(groups, {
      autoCreateSubscriptionGroup: config.autoCreateSubscriptionGroup,
      maxGroups,
    });
    const gate = new PutGate(topics, creator, { ...permission, isSlave });
    this.announcer.onChange((topics) => gate.topicsChanged(topics));
    const rules = new MessageRules({
      maxMessageSizeBytes,
      maxDelayLevel: delayLevelsMs.length,
      brokerIp: advertisedIp,
      rejectTransactionMessage: () => config.rejectTransactionMessage,
    });
    const completer = new PropertyCompleter({
      clusterName: config.brokerClusterName,
      regionId,
      traceOn,
      createUniqKey: this.options.createUniqKey,
    });
    const replyTexts = { regionId, traceOn };
    const replies = new SendReplies(new SendReplyEncoder(replyTexts), new UsualReplyEncoder(replyTexts), {
      regionId,
      traceOn,
      maxMessageSizeBytes,
    });
    const batches = new BatchSender(store, gate, rules, replies);
    const retries = new RetryGate(directory, creator, this.locks);
    const systemTopics = new SystemTopicSet(config, delayLevelsMs.length);

    this.set(BrokerSettingsInForce, settings);
    this.set(CounterRegistry, this.counters);
    this.set(SubscriptionMismatchMonitor, this.mismatches);
    this.set(ClientRelay, new ClientRelay(this.consumers));
    this.set(MessageStore, store);
    this.set(TopicConfigManager, topics);
    this.set(SubscriptionGroupManager, groups);
    this.set(ConsumerOffsetManager, offsets);
    this.set(DelayOffsetManager, metadata.delayOffsets);
    this.set(BrokerFacts, new BrokerFacts(config.brokerName, systemClock(), delayLevelsMs.length));
    this.set(QueryLimits, new QueryLimits(config.defaultQueryMaxNum));
    this.set(ConsumerManager, this.consumers);
    this.set(ProducerManager, this.producers);
    this.set(RebalanceLockManager, this.locks);
    this.set(PullRequestHoldService, this.holds);
    this.set(TopicAnnouncer, this.announcer);
    this.set(TopicAutoCreator, creator);
    this.set(GroupDirectory, directory);
    this.set(SystemTopicSet, systemTopics);
    const recent = new RecentData(store);
    this.set(RecentData, recent);
    this.set(
      OffsetResetter,
      new OffsetResetter(store, topics, groups, offsets, this.consumers, this.holds, {
        brokerName: config.brokerName,
        serverSide: () => config.useServerSideResetOffset,
      }),
    );
    this.set(BatchSender, batches);
    const usual = new UsualSender(store, gate, replies, maxMessageSizeBytes, completer.suffix);
    this.set(
      MessageSender,
      new MessageSender(store, gate, retries, rules, this.timer.rules, completer, replies, batches, usual),
    );
    this.set(TimerMessageStore, this.timer.messages);
    this.set(MessageRecaller, this.timer.recaller);
    this.set(
      ReplyMessages,
      new ReplyMessages(store, this.producers, gate, rules, completer, {
        storeReplyMessages: () => config.storeReplyMessageEnable,
        storeHost: `${advertisedIp}:${config.listenPort}`,
        clock: systemClock,
      }),
    );
    this.set(TransactionEnd, this.transactions.end);
    this.set(MessageSendBack, new MessageSendBack(store, directory, creator, rules, permission));
    this.set(TopicAdmin, new TopicAdmin(topics, offsets, store, systemTopics, this.announcer, { maxTopics, isSlave }));
    this.set(
      GroupAdmin,
      new GroupAdmin(groups, offsets, {
        maxGroups,
        isSlave,
        onDeleted: (group) => this.forgetModes({ consumerGroup: group }),
      }),
    );
    this.set(
      HeartbeatIntake,
      new HeartbeatIntake(this.consumers, this.producers, topics, directory, creator, config, systemClock),
    );
    this.set(SubscriptionCheck, new SubscriptionCheck(config));
    const admission = new PullAdmission(topics, this.consumers, { ...permission, filters: config });
    this.set(
      MessagePuller,
      new MessagePuller(store, admission, directory, offsets, this.holds, {
        longPollingEnable: config.longPollingEnable,
        shortPollingTimeMs: config.shortPollingTimeMills,
        clock: systemClock,
        replicas: new PullReplicas({
          isSlave,
          slaveReadEnable: () => config.slaveReadEnable && this.options.isReadable(),
          offsetCheckInSlave: () => config.offsetCheckInSlave,
          hasSlaves: this.options.hasSlaves,
        }),
        catchUp: new CatchUpShare({
          logEnd: () => store.maxPhysicalOffset,
          nowMs: () => performance.now(),
          defer: setImmediate,
        }),
        given: this.given,
      }),
    );
    const pop = createPop({
      config,
      store,
      metadata,
      consumers: this.consumers,
      groups: directory,
      creator,
      recent,
      advertisedIp,
      brokerPermission,
      given: this.given,
      timer: this.timer.messages,
      logger: this.options.logger,
    });
    this.set(MetadataFollowers, new MetadataFollowers(config.haMaxConnections));
    this.set(MinBrokerIdChanges, new MinBrokerIdChanges());
    this.set(HaStatus, new HaStatus(this.options.haStatus));
    this.set(MessageRequestModeManager, metadata.requestModes);
    this.set(CheckPoints, pop.checkPoints);
    this.set(PopAdmission, pop.admission);
    this.set(PopHoldService, pop.holds);
    this.set(MessagePopper, pop.popper);
    this.set(MessageAcker, pop.acker);
    this.set(InvisibleTimeChanger, pop.changer);
    this.set(PopNotifier, pop.notifier);
    this.set(MessagePeeker, pop.peeker);
    this.set(QueueAssigner, pop.assigner);
    return pop;
  }

  private connect(): void {
    const { store, metadata } = this.options;
    const config = this.options.settings.values;
    store.onArrival((topic, queueId, queueOffset, tagsCode) => {
      this.holds.notifyArrival(topic, queueId, queueOffset, tagsCode);
      this.pop.holds.notifyArrival(topic, queueId, tagsCode);
      this.pop.notificationHolds.notifyArrival(topic, queueId, tagsCode);
      if (topic === SCHEDULE_TOPIC) this.schedule.onArrival(queueId);
      else if (topic === TIMER_TOPIC) this.timer.messages.onArrival();
    });
    this.consumers.onVariants((group) => this.mismatches.variantsChanged(group));
    this.announcer.onChange((changed) => {
      this.pop.routes.forget(changed);
      for (const topic of changed) if (metadata.topics.get(topic) === undefined) this.topicDeleted(topic);
    });
    this.consumers.onChange((group) => {
      const wanted = metadata.groups.get(group.groupName)?.notifyConsumerIdsChangedEnable ?? true;
      if (wanted && config.notifyConsumerIdsChangedEnable) this.notifier.notify(group);
    });
  }

  private topicDeleted(topic: string): void {
    this.pop.checkPoints.topicDeleted(topic);
    this.timer.messages.metrics.remove(topic);
    this.forgetModes({ topic });
  }

  /** What was set for a topic or group that is gone; it may be set again with the next of that name, so nobody waits. */
  private forgetModes(owner: { readonly topic: string } | { readonly consumerGroup: string }): void {
    const { metadata, logger } = this.options;
    metadata.requestModes
      .forget(owner)
      .catch((error: unknown) => logger.warn(`request modes of ${JSON.stringify(owner)} stay: ${String(error)}`));
  }

  private set<T extends object>(type: ServiceType<T>, service: T): void {
    this.byType.set(type, service);
  }
}

/** A class, as the token under which its instance is injected. */
export type ServiceType<T extends object = object> = abstract new (...args: never[]) => T;
