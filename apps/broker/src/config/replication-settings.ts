import { setting } from '@rocknest/config';
import * as defaults from '../replication/defaults.js';
import { electionSettings } from './election-settings.js';

const REPLICATION = 'Replication';

/** Broker groups: RocketMQ's own keys (`store/config/MessageStoreConfig.java`, `common/BrokerConfig.java`) where it has them. */
export const replicationSettings = {
  brokerRole: setting.oneOf(['ASYNC_MASTER', 'SYNC_MASTER', 'SLAVE'], {
    default: 'ASYNC_MASTER',
    description:
      'ASYNC_MASTER answers sends without waiting for slaves; SYNC_MASTER when inSyncReplicas brokers have the message; SLAVE (with a brokerId above 0) follows the master of its brokerName.',
    section: REPLICATION,
    important: true,
  }),
  haListenPort: setting.port({
    default: 0,
    description: 'Port where slaves get the log. 0: listenPort + 1 (with listenPort 0, any free one).',
    section: REPLICATION,
  }),
  brokerIP2: setting.string({
    default: '',
    description: 'Address that slaves are told for haListenPort. Empty: that of brokerIP1.',
    section: REPLICATION,
  }),
  haMasterAddress: setting.string({
    default: '',
    pattern: /^(?:.+:\d{1,5})?$/,
    allowed: 'host:port',
    description: 'Where a slave gets the log: host:port. Empty: as the namesrvs say.',
    section: REPLICATION,
  }),
  haSendHeartbeatInterval: setting.integer({
    default: defaults.DEFAULT_HA_HEARTBEAT_INTERVAL_MS,
    min: 10,
    max: 600_000,
    unit: 'ms',
    description: 'Signs of life between master and slave, when there is nothing else to send.',
    section: REPLICATION,
  }),
  haHousekeepingInterval: setting.integer({
    default: defaults.DEFAULT_HA_HOUSEKEEPING_INTERVAL_MS,
    min: 50,
    max: 3_600_000,
    unit: 'ms',
    description: 'A line between master and slave on which nothing came for so long is cut.',
    section: REPLICATION,
  }),
  haTransferBatchSize: setting.integer({
    default: defaults.DEFAULT_HA_TRANSFER_BATCH_BYTES,
    min: 1_024,
    max: defaults.MAX_HA_TRANSFER_BATCH_BYTES,
    unit: 'bytes',
    description: 'Log in one frame to a slave. RocketMQ has 32768.',
    section: REPLICATION,
  }),
  haMaxConnections: setting.integer({
    default: defaults.DEFAULT_HA_MAX_CONNECTIONS,
    min: 1,
    max: 10_000,
    description: 'Slaves at most; each takes haTransferBatchSize of memory. Further connections are closed at once.',
    section: REPLICATION,
  }),
  haMaxGapNotInSync: setting.integer({
    default: defaults.DEFAULT_HA_MAX_GAP_NOT_IN_SYNC_BYTES,
    min: 1,
    dynamic: true,
    unit: 'bytes',
    description: 'A slave that lacks more than this does not count as being in sync.',
    section: REPLICATION,
  }),
  slaveTimeout: setting.integer({
    default: defaults.DEFAULT_SLAVE_TIMEOUT_MS,
    min: 10,
    max: 600_000,
    dynamic: true,
    unit: 'ms',
    description: 'How long a SYNC_MASTER waits for slaves before it answers FLUSH_SLAVE_TIMEOUT.',
    section: REPLICATION,
  }),
  inSyncReplicas: setting.integer({
    default: defaults.DEFAULT_IN_SYNC_REPLICAS,
    min: 1,
    max: 100,
    dynamic: true,
    description:
      'Brokers, the master included, that must have a message before a SYNC_MASTER answers. 1 waits for no slave: the default of RocketMQ 5.',
    section: REPLICATION,
  }),
  minInSyncReplicas: setting.integer({
    default: 1,
    min: 1,
    max: 100,
    dynamic: true,
    description: 'With fewer brokers in sync, the master included, a SYNC_MASTER refuses sends and stores nothing.',
    section: REPLICATION,
  }),
  enableAutoInSyncReplicas: setting.boolean({
    default: false,
    dynamic: true,
    description:
      'Wait for fewer than inSyncReplicas when fewer are in sync, but never for fewer than minInSyncReplicas.',
    section: REPLICATION,
  }),
  allAckInSyncStateSet: setting.boolean({
    default: false,
    dynamic: true,
    description: 'A SYNC_MASTER waits for all slaves that are in sync, one at least, whatever inSyncReplicas says.',
    section: REPLICATION,
  }),
  slaveReadEnable: setting.boolean({
    default: true,
    dynamic: true,
    description:
      'A slave serves consumers, and a master with slaves sends those there that are far behind memory (whichBrokerWhenConsumeSlowly of their group). RocketMQ has it off, with which nobody can read while the master is gone.',
    section: REPLICATION,
  }),
  accessMessageInMemoryMaxRatio: setting.integer({
    default: 40,
    min: 0,
    max: 100,
    unit: '%',
    description:
      "A consumer that is farther behind the end of the log than this share of the machine's memory is far behind: it is sent to a slave, and gets smaller batches. 0: whoever gets messages is.",
    section: REPLICATION,
  }),
  offsetCheckInSlave: setting.boolean({
    default: false,
    dynamic: true,
    description: 'A slave corrects offsets that are out of range; otherwise consumers ask the master.',
    section: REPLICATION,
  }),
  enableSlaveActingMaster: setting.boolean({
    default: false,
    description:
      'While the master is gone, the slave with the smallest id stands in for it: consumers lock queues and commit offsets there, nobody writes. The same on all brokers of the group; the namesrvs need supportActingMaster.',
    section: REPLICATION,
  }),
  brokerHeartbeatInterval: setting.integer({
    default: defaults.DEFAULT_BROKER_HEARTBEAT_INTERVAL_MS,
    min: 10,
    max: 60_000,
    unit: 'ms',
    description: 'With enableSlaveActingMaster: how often the namesrvs get a sign of life.',
    section: REPLICATION,
  }),
  brokerNotActiveTimeoutMillis: setting.integer({
    default: defaults.DEFAULT_BROKER_NOT_ACTIVE_TIMEOUT_MS,
    min: 100,
    max: 3_600_000,
    unit: 'ms',
    description: 'With enableSlaveActingMaster: a broker without a sign of life for so long is gone for the namesrvs.',
    section: REPLICATION,
  }),
  slaveSynchronizeInterval: setting.integer({
    default: defaults.DEFAULT_SLAVE_SYNCHRONIZE_INTERVAL_MS,
    min: 100,
    max: 3_600_000,
    unit: 'ms',
    description: 'How often a slave takes topics, groups and offsets over from its master.',
    section: REPLICATION,
  }),
  ...electionSettings,
};
