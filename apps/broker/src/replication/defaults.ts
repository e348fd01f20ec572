/** Every default of replication, with its unit and the reason. */

/**
 * [haTransferBatchSize] Body of one frame, and with it what one slave takes of the master's memory, however far behind it is. RocketMQ has 32 KiB; each frame is
 * one write here, and fewer writes cost less.
 */
export const DEFAULT_HA_TRANSFER_BATCH_BYTES = 256 * 1024;
/** A Java slave reads into a buffer of 4 MiB, which must hold a frame. */
export const MAX_HA_TRANSFER_BATCH_BYTES = 2 * 1024 * 1024;
/** What a master may send in one frame; RocketMQ's slaves take no more either. */
export const MAX_HA_BODY_BYTES = 4 * 1024 * 1024;
/** A master that waits for no slave sends a little later, unless a whole frame is there, rather than a frame for each turn of the event loop. */
export const HA_TRANSFER_DELAY_MS = 2;
/** [haSendHeartbeatInterval] */
export const DEFAULT_HA_HEARTBEAT_INTERVAL_MS = 5_000;
/** [haHousekeepingInterval] A line that was silent for so long is cut: four signs of life are missing. */
export const DEFAULT_HA_HOUSEKEEPING_INTERVAL_MS = 20_000;
/** Slaves of one master; RocketMQ has no limit. */
export const DEFAULT_HA_MAX_CONNECTIONS = 32;
/**
 * Before another try after a line broke; twice as long after each further failure without anything written, up to the 5 s that RocketMQ always waits. Without
 * a slave a SYNC_MASTER has one copy only.
 */
export const HA_MIN_RECONNECT_MS = 100;
export const HA_MAX_RECONNECT_MS = 5_000;
/** How long puts that wait when the last slave goes wait for its return: several tries of the slave, and far less than senders wait. */
export const SLAVE_RETURN_MS = 1_000;
export const HA_CONNECT_TIMEOUT_MS = 3_000;
/** Log that a slave has received and not written; past it the socket is not read. */
export const HA_MAX_UNWRITTEN_BYTES = 8 * 1024 * 1024;
/** [haMaxGapNotInSync] */
export const DEFAULT_HA_MAX_GAP_NOT_IN_SYNC_BYTES = 256 * 1024 * 1024;
/** [slaveTimeout] */
export const DEFAULT_SLAVE_TIMEOUT_MS = 3_000;
/**
 * [inSyncReplicas] The master and one slave: SYNC_MASTER waits, as its name says and as RocketMQ 4 did. RocketMQ 5 has 1, with which it waits for
 * nobody.
 */
export const DEFAULT_IN_SYNC_REPLICAS = 2;
/** As RocketMQ 4; version 5 has 60 s. What a fail-over loses of consumer offsets is consumed twice. */
export const DEFAULT_SLAVE_SYNCHRONIZE_INTERVAL_MS = 10_000;
/** After a message of a topic that a slave does not know, or after its line was opened again: what was made together is taken over together. */
export const SLAVE_SYNCHRONIZE_SOON_MS = 200;
/** Topics that a slave misses at once; further ones wait for the next interval. */
export const MAX_MISSED_TOPICS = 10_000;
/** Answers of the master with all its topics or offsets. */
export const SLAVE_SYNCHRONIZE_TIMEOUT_MS = 10_000;
/** [brokerHeartbeatInterval] As RocketMQ. */
export const DEFAULT_BROKER_HEARTBEAT_INTERVAL_MS = 1_000;
/** [brokerNotActiveTimeoutMillis] As RocketMQ: ten heartbeats. */
export const DEFAULT_BROKER_NOT_ACTIVE_TIMEOUT_MS = 10_000;
/** A master that comes back waits so long at most for each answer about who stood in for it, and what was committed there. */
export const TAKE_BACK_TIMEOUT_MS = 3_000;
/** A slave that does not reach its master asks the namesrvs where it is, from so often to so seldom. */
export const MASTER_LOOKUP_MIN_MS = 1_000;
export const MASTER_LOOKUP_MAX_MS = 30_000;
