import { defineSettings, setting, type SettingsOf } from '@rocknest/config';
import * as defaults from '../defaults.js';
import { DEFAULT_MESSAGE_DELAY_LEVEL } from '../schedule/defaults.js';
import { flowControlSettings } from './flow-control-settings.js';
import { popSettings } from './pop-settings.js';
import { filterSettings } from './filter-settings.js';
import { replicationSettings } from './replication-settings.js';
import { retentionSettings } from './retention-settings.js';
import { timerSettings } from './timer-settings.js';
import { replySettings } from './reply-settings.js';
import { transactionSettings } from './transaction-settings.js';

const IDENTITY = 'Identity';
const NETWORK = 'Network';
const STORE = 'Store';
const TOPICS = 'Topics and groups';
const CONSUMERS = 'Consumers';
const LIMITS = 'Limits';
const ADMIN = 'Administration';

/**
 * The broker's settings, under RocketMQ's own keys where it has them (`common/BrokerConfig.java`, `store/config/MessageStoreConfig.java`,
 * `remoting/netty/NettyServerConfig.java`).
 */
export const brokerSettings = defineSettings({
  brokerName: setting.string({
    default: defaults.DEFAULT_BROKER_NAME,
    pattern: /^[a-zA-Z0-9_-][a-zA-Z0-9_@.-]{0,126}$/,
    allowed: 'letters, digits, _ and -, and behind the first of them @ and . too',
    description:
      'Name of the broker group. Brokers of one cluster differ in it. `room@name` says in which machine room it stands, for consumers that share queues out by room.',
    section: IDENTITY,
    important: true,
  }),
  brokerClusterName: setting.string({
    default: 'DefaultCluster',
    pattern: /^[a-zA-Z0-9_-]{1,100}$/,
    allowed: 'letters, digits, _ and -',
    description: 'Name of the cluster that the broker belongs to.',
    section: IDENTITY,
    important: true,
  }),
  brokerId: setting.integer({
    default: 0,
    min: 0,
    description: '0 is the master of its broker group; each slave (brokerRole=SLAVE) has an id of its own above that.',
    section: IDENTITY,
    important: true,
  }),
  regionId: setting.string({
    default: 'DefaultRegion',
    description: 'Stands in the MSG_REGION property of each message.',
    section: IDENTITY,
  }),
  traceOn: setting.boolean({
    default: true,
    description: 'Tells clients, in TRACE_ON, that their traces are welcome.',
    section: IDENTITY,
  }),

  namesrvAddr: setting.addresses({
    default: '',
    short: 'n',
    environment: ['NAMESRV_ADDR'],
    description: 'Name servers. Empty: the broker brings its own namesrv up in the same process.',
    section: NETWORK,
    important: true,
  }),
  namesrvPort: setting.port({
    default: defaults.DEFAULT_NAMESRV_PORT,
    description: 'Port of the embedded namesrv; 0 asks for any free one. Used only without namesrvAddr.',
    section: NETWORK,
  }),
  listenPort: setting.port({
    default: defaults.DEFAULT_LISTEN_PORT,
    description: 'Port for clients; 0 asks for any free one.',
    section: NETWORK,
    important: true,
  }),
  bindAddress: setting.string({
    default: '',
    description:
      'Address to listen on. Empty: 127.0.0.1 while the namesrv is embedded or on loopback and brokerIP1 is not set, otherwise 0.0.0.0.',
    section: NETWORK,
    important: true,
  }),
  brokerIP1: setting.string({
    default: '',
    description:
      'Address that clients are told. Empty: 127.0.0.1 or the first IPv4 address of this machine, as with bindAddress.',
    section: NETWORK,
    important: true,
  }),
  vipChannelEnable: setting.boolean({
    default: true,
    description: 'Listen on listenPort - 2 too, where clients up to 4.4 send by default. Not with listenPort 0.',
    section: NETWORK,
  }),
  registerNameServerPeriod: setting.integer({
    default: defaults.DEFAULT_REGISTER_NAMESRV_PERIOD_MS,
    min: defaults.MIN_REGISTER_NAMESRV_PERIOD_MS,
    max: defaults.MAX_REGISTER_NAMESRV_PERIOD_MS,
    unit: 'ms',
    description: 'How often the broker registers with each namesrv.',
    section: NETWORK,
  }),

  storePathRootDir: setting.path({
    default: defaults.DEFAULT_STORE_PATH,
    description: 'Folder of the commit log, the consume queues and the SQLite database.',
    section: STORE,
    important: true,
  }),
  mappedFileSizeCommitLog: setting.integer({
    default: 1024 * 1024 * 1024,
    min: 64 * 1024,
    max: 2 ** 31 - 1,
    unit: 'bytes',
    description: 'Size of one file of the commit log. A store keeps the size that it was made with.',
    section: STORE,
  }),
  flushDiskType: setting.oneOf(['ASYNC_FLUSH', 'SYNC_FLUSH'], {
    default: 'ASYNC_FLUSH',
    description:
      'When a send is answered: after the write (survives a killed broker), or after fdatasync (survives a power failure).',
    section: STORE,
    important: true,
  }),
  maxMessageSize: setting.integer({
    default: defaults.DEFAULT_MAX_MESSAGE_SIZE_BYTES,
    min: 1024,
    max: 12 * 1024 * 1024,
    unit: 'bytes',
    description: 'Largest body of a message, or of a batch. The frame around it holds 16 MiB.',
    section: STORE,
  }),
  messageIndexEnable: setting.boolean({
    default: true,
    description:
      'Keep index files, so that messages can be found by key and by unique id. Switched on later, they are made for all messages still there.',
    section: STORE,
  }),
  messageIndexSafe: setting.boolean({
    default: false,
    description:
      "Accepted for RocketMQ's configuration files, where it makes recovery read enough of the log to complete the index. Here the index is always completed.",
    section: STORE,
  }),
  maxHashSlotNum: setting.integer({
    default: defaults.DEFAULT_MAX_HASH_SLOT_NUM,
    min: 1,
    max: 100_000_000,
    description: 'Hash slots of one index file. With other sizes than before all index files are made again.',
    section: STORE,
  }),
  maxIndexNum: setting.integer({
    default: defaults.DEFAULT_MAX_INDEX_NUM,
    min: 2,
    max: 100_000_000,
    description: 'Entries of one index file. With other sizes than before all index files are made again.',
    section: STORE,
  }),
  maxMsgsNumBatch: setting.integer({
    default: defaults.DEFAULT_MAX_MSGS_NUM_BATCH,
    min: 1,
    max: 10_000,
    description: 'Messages that one query by key returns at most.',
    section: STORE,
  }),
  defaultQueryMaxNum: setting.integer({
    default: defaults.DEFAULT_QUERY_MAX_NUM,
    min: 1,
    max: 10_000,
    description: 'Messages that one query by unique id returns at most, whatever the client asks for.',
    section: STORE,
  }),
  messageDelayLevel: setting.string({
    default: DEFAULT_MESSAGE_DELAY_LEVEL,
    description: 'The delay levels, level 1 first; units s, m, h, d.',
    section: STORE,
  }),
  damagedLog: setting.oneOf(['REFUSE', 'CUT'], {
    default: 'REFUSE',
    description:
      'When the commit log is damaged before whole messages: refuse to start, or cut off everything from the damage on. A torn end, as a crash leaves it, is always cut.',
    section: STORE,
  }),
  databaseUrl: setting.databaseUrl({
    default: '',
    environment: ['DATABASE_URL'],
    description: 'Database of topics, groups and offsets. Empty: SQLite in the store folder.',
    section: STORE,
    important: true,
  }),
  ...retentionSettings,
  ...replicationSettings,
  ...popSettings,
  ...timerSettings,
  ...transactionSettings,
  ...replySettings,
  autoCreateTopicEnable: setting.boolean({
    default: true,
    description: 'Create a topic at the first send to it, after the model of TBW102.',
    section: TOPICS,
    important: true,
  }),
  autoCreateSubscriptionGroup: setting.boolean({
    default: true,
    description: 'Create a subscription group when its first consumer appears.',
    section: TOPICS,
    important: true,
  }),
  defaultTopicQueueNums: setting.integer({
    default: defaults.DEFAULT_TOPIC_QUEUE_NUMS,
    min: 1,
    max: defaults.MAX_QUEUES_PER_TOPIC,
    description: 'Queues of TBW102: the most that an auto-created topic gets. Clients ask for 4.',
    section: TOPICS,
  }),
  brokerPermission: setting.integer({
    default: 6,
    min: 0,
    max: 7,
    dynamic: true,
    description: 'What the broker allows: 4 reading, 2 writing, 6 both.',
    section: TOPICS,
  }),
  clusterTopicEnable: setting.boolean({
    default: true,
    description: 'The topic named like the cluster can be read and written.',
    section: TOPICS,
  }),
  brokerTopicEnable: setting.boolean({
    default: true,
    description: 'The topic named like the broker can be read and written.',
    section: TOPICS,
  }),
  traceTopicEnable: setting.boolean({
    default: false,
    description: 'Create the topic for message traces.',
    section: TOPICS,
  }),
  msgTraceTopicName: setting.string({
    default: 'RMQ_SYS_TRACE_TOPIC',
    description: 'Name of the topic for message traces.',
    section: TOPICS,
  }),

  ...filterSettings,
  longPollingEnable: setting.boolean({
    default: true,
    description:
      'Keep pulls that found nothing waiting for as long as the client asks; otherwise for shortPollingTimeMills.',
    section: CONSUMERS,
  }),
  shortPollingTimeMills: setting.integer({
    default: defaults.SHORT_POLLING_TIME_MS,
    min: 0,
    max: defaults.MAX_SUSPEND_MS,
    unit: 'ms',
    description: 'How long a pull waits when long polling is off.',
    section: CONSUMERS,
  }),
  flushConsumerOffsetInterval: setting.integer({
    default: defaults.DEFAULT_FLUSH_CONSUMER_OFFSET_INTERVAL_MS,
    min: 100,
    unit: 'ms',
    description: 'How often consumer offsets are written to the database. A crash repeats what was consumed since.',
    section: CONSUMERS,
  }),
  notifyConsumerIdsChangedEnable: setting.boolean({
    default: true,
    dynamic: true,
    description: 'Tell the members of a group at once when one joins or leaves.',
    section: CONSUMERS,
  }),
  useServerSideResetOffset: setting.boolean({
    default: true,
    dynamic: true,
    description:
      'A reset of offsets is done by the broker, for groups that are online or not, and consumers learn of it by their next pull. Otherwise the consumers that are online are told to do it.',
    section: CONSUMERS,
  }),
  channelExpiredTimeout: setting.integer({
    default: defaults.CHANNEL_EXPIRED_TIMEOUT_MS,
    min: 1_000,
    unit: 'ms',
    description: 'A client that sent no heartbeat for so long is dropped.',
    section: CONSUMERS,
  }),
  rebalanceLockMaxLiveTimeMs: setting.integer({
    default: defaults.REBALANCE_LOCK_MAX_LIVE_MS,
    min: 100,
    unit: 'ms',
    description:
      'A queue lock of an orderly consumer that was not renewed for so long is free. Clients rely on theirs for 30,000 ms and renew every 20,000 ms, ' +
      'so less than 60,000 is only for clients that are set accordingly.',
    section: CONSUMERS,
  }),

  configBlackList: setting.string({
    default: 'configBlackList;brokerConfigPath',
    description: 'Keys, joined by ";", that no command may change while the broker runs.',
    section: ADMIN,
  }),

  maxConnections: setting.integer({
    default: defaults.DEFAULT_MAX_CONNECTIONS,
    min: 1,
    description: 'Connections at most; further ones are closed at once.',
    section: LIMITS,
  }),
  serverChannelMaxIdleTimeSeconds: setting.integer({
    default: defaults.DEFAULT_IDLE_TIMEOUT_SECONDS,
    min: 1,
    unit: 's',
    description: 'A connection on which nothing was read and nothing written for so long is closed.',
    section: LIMITS,
  }),
  firstFrameTimeoutMs: setting.integer({
    default: defaults.DEFAULT_FIRST_FRAME_TIMEOUT_MS,
    min: 0,
    unit: 'ms',
    description: 'A peer that connects must send its first request within this time. 0: no limit.',
    section: LIMITS,
  }),
  partialFrameTimeoutMs: setting.integer({
    default: defaults.DEFAULT_PARTIAL_FRAME_TIMEOUT_MS,
    min: 0,
    unit: 'ms',
    description:
      'A request whose first byte came must be there as a whole within this time (large ones get more). 0: no limit.',
    section: LIMITS,
  }),
  maxTopics: setting.integer({
    default: defaults.DEFAULT_MAX_TOPICS,
    min: 32,
    description: 'Topics at most, retry and dead letter topics included.',
    section: LIMITS,
  }),
  maxSubscriptionGroups: setting.integer({
    default: defaults.DEFAULT_MAX_SUBSCRIPTION_GROUPS,
    min: 1,
    description: 'Subscription groups at most.',
    section: LIMITS,
  }),
  maxClientGroups: setting.integer({
    default: defaults.DEFAULT_MAX_CLIENT_GROUPS,
    min: 1,
    description: 'Producer groups, and consumer groups, online at most.',
    section: LIMITS,
  }),
  maxGroupsPerHeartbeat: setting.integer({
    default: defaults.DEFAULT_MAX_GROUPS_PER_HEARTBEAT,
    min: 1,
    description: 'Groups in one heartbeat at most.',
    section: LIMITS,
  }),
  maxSubscriptionsPerGroup: setting.integer({
    default: defaults.DEFAULT_MAX_SUBSCRIPTIONS_PER_GROUP,
    min: 1,
    description: 'Topics that one group subscribes at most.',
    section: LIMITS,
  }),
  maxTagsPerSubscription: setting.integer({
    default: defaults.DEFAULT_MAX_TAGS_PER_SUBSCRIPTION,
    min: 1,
    description: 'Tags in one subscription at most.',
    section: LIMITS,
  }),
  maxOpenFiles: setting.integer({
    default: defaults.DEFAULT_MAX_OPEN_FILES,
    min: 8,
    max: 1_000_000,
    description:
      'Descriptors of log and queue files that stay open, whatever the number of topics. Sockets need theirs beside them.',
    section: LIMITS,
  }),
  ...flowControlSettings,
  maxQueueLocks: setting.integer({
    default: defaults.DEFAULT_MAX_QUEUE_LOCKS,
    min: 1,
    description: 'Queues locked by orderly consumers at most.',
    section: LIMITS,
  }),
  shutdownGraceMs: setting.integer({
    default: defaults.DEFAULT_SHUTDOWN_GRACE_MS,
    min: 0,
    unit: 'ms',
    description: 'How long requests under way may take at stop, and slaves then to get the rest of the log.',
    section: LIMITS,
  }),
});

/** Values of all settings. */
export type BrokerConfig = SettingsOf<typeof brokerSettings>;
