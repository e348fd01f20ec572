import { defineSettings, setting, type SettingsOf } from '@rocknest/config';
import * as defaults from '../defaults.js';

const NETWORK = 'Network';
const STORE = 'Store';
const ROUTES = 'Routes';
const ADMIN = 'Administration';
const LIMITS = 'Limits';

/** The namesrv's settings, under RocketMQ's own keys where it has them (`common/namesrv/NamesrvConfig.java`, `remoting/netty/NettyServerConfig.java`). */
export const namesrvSettings = defineSettings({
  listenPort: setting.port({
    default: defaults.DEFAULT_LISTEN_PORT,
    description: 'Port for brokers and clients; 0 takes any free one.',
    section: NETWORK,
    important: true,
  }),
  bindAddress: setting.string({
    default: defaults.DEFAULT_BIND_ADDRESS,
    pattern: /^[0-9A-Za-z_.:%-]+$/,
    allowed: 'an IP address or host name of this machine; 0.0.0.0 for all',
    description: 'Address to listen on. With the default only this machine reaches the namesrv.',
    section: NETWORK,
    important: true,
  }),
  serverChannelMaxIdleTimeSeconds: setting.integer({
    default: 120,
    min: 1,
    max: 86_400,
    unit: 's',
    description: 'A connection on which nothing happens for so long is closed, and its broker with it.',
    section: NETWORK,
  }),
  shutdownGraceMs: setting.integer({
    default: defaults.DEFAULT_SHUTDOWN_GRACE_MS,
    min: 0,
    max: 600_000,
    unit: 'ms',
    description: 'How long requests under way may take at the stop.',
    section: NETWORK,
  }),
  storePath: setting.path({
    default: defaults.DEFAULT_STORE_PATH,
    description:
      'Folder of the SQLite database with the KV configuration, and of settings changed while the namesrv runs.',
    section: STORE,
    important: true,
  }),
  databaseUrl: setting.databaseUrl({
    default: '',
    environment: ['DATABASE_URL'],
    description:
      'Database of the KV configuration. Empty: namesrv.db in storePath. Namesrvs that share one share the KV configuration; each reads it at its start.',
    section: STORE,
  }),
  orderMessageEnable: setting.boolean({
    default: false,
    description: 'Routes carry the order configuration of their topic (namespace ORDER_TOPIC_CONFIG).',
    section: ROUTES,
    dynamic: true,
  }),
  returnOrderTopicConfigToBroker: setting.boolean({
    default: true,
    description: 'The answer to a registration carries the order configuration.',
    section: ROUTES,
    dynamic: true,
  }),
  scanNotActiveBrokerInterval: setting.integer({
    default: defaults.DEFAULT_SCAN_NOT_ACTIVE_BROKER_INTERVAL_MS,
    min: 10,
    max: 600_000,
    unit: 'ms',
    description: 'How often brokers that have gone silent are looked for.',
    section: ROUTES,
  }),
  unRegisterBrokerQueueCapacity: setting.integer({
    default: defaults.DEFAULT_UN_REGISTER_BROKER_QUEUE_CAPACITY,
    min: 1,
    max: 1_000_000,
    description: 'Departures of brokers that may wait to be carried out; beyond it they are refused.',
    section: ROUTES,
  }),
  deleteTopicWithBrokerRegistration: setting.boolean({
    default: false,
    description:
      'A topic that a full registration no longer names is removed. Brokers must then send full registrations only.',
    section: ROUTES,
    dynamic: true,
  }),
  supportActingMaster: setting.boolean({
    default: false,
    description: 'Where a master is gone, the slave with the smallest id is presented in its place, read-only.',
    section: ROUTES,
    dynamic: true,
  }),
  notifyMinBrokerIdChanged: setting.boolean({
    default: false,
    description: 'Brokers of a group are told when its smallest broker id changes.',
    section: ROUTES,
    dynamic: true,
  }),
  needWaitForService: setting.boolean({
    default: false,
    description:
      'After the start no routes are answered for waitSecondsForService, so that clients never see half of them.',
    section: ROUTES,
    dynamic: true,
  }),
  waitSecondsForService: setting.integer({
    default: defaults.DEFAULT_WAIT_SECONDS_FOR_SERVICE,
    min: 0,
    max: 86_400,
    unit: 's',
    description: 'See needWaitForService.',
    section: ROUTES,
    dynamic: true,
  }),
  enableAllTopicList: setting.boolean({
    default: true,
    description: 'The list of all topics may be asked for.',
    section: ADMIN,
    dynamic: true,
  }),
  enableTopicList: setting.boolean({
    default: true,
    description: 'The lists of topics by cluster and by unit may be asked for.',
    section: ADMIN,
    dynamic: true,
  }),
  configBlackList: setting.string({
    default: 'configBlackList;configStorePath;kvConfigPath',
    description: 'Keys, joined by ";", that no command may change while the namesrv runs.',
    section: ADMIN,
  }),
  maxBrokers: setting.integer({
    default: defaults.DEFAULT_MAX_BROKERS,
    min: 1,
    description: 'Broker addresses that may be registered.',
    section: LIMITS,
  }),
  maxTopics: setting.integer({
    default: defaults.DEFAULT_MAX_TOPICS,
    min: 1,
    description: 'Topic names.',
    section: LIMITS,
  }),
  maxQueueData: setting.integer({
    default: defaults.DEFAULT_MAX_QUEUE_DATA,
    min: 1,
    description: 'Topics of all broker groups together: a topic counts once for each group that has it.',
    section: LIMITS,
  }),
  maxKvEntries: setting.integer({
    default: defaults.DEFAULT_MAX_KV_ENTRIES,
    min: 1,
    description: 'Entries of the KV configuration.',
    section: LIMITS,
  }),
  maxConnections: setting.integer({
    default: defaults.DEFAULT_MAX_CONNECTIONS,
    min: 1,
    max: 1_000_000,
    description: 'Connections at one time.',
    section: LIMITS,
  }),
  maxRequestBytes: setting.integer({
    default: defaults.DEFAULT_MAX_REQUEST_BYTES,
    min: 65_536,
    max: defaults.DEFAULT_MAX_REQUEST_BYTES,
    unit: 'bytes',
    description: 'Largest request; its sender is disconnected beyond it.',
    section: LIMITS,
  }),
});

export type NamesrvConfig = SettingsOf<typeof namesrvSettings>;
