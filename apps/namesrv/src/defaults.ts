/** RocketMQ's port of name servers. */
export const DEFAULT_LISTEN_PORT = 9876;

/** Loopback: whoever wants other machines to come in sets bindAddress. */
export const DEFAULT_BIND_ADDRESS = '127.0.0.1';

export const DEFAULT_STORE_PATH = '~/rocknest/namesrv';

/** RocketMQ: a broker that said nothing for 2 minutes is dropped (brokers register every 30 s). */
export const DEFAULT_BROKER_CHANNEL_EXPIRED_TIME_MS = 120_000;

/** RocketMQ: how often expired brokers are looked for. */
export const DEFAULT_SCAN_NOT_ACTIVE_BROKER_INTERVAL_MS = 5_000;

/** RocketMQ: departures that may wait to be carried out. */
export const DEFAULT_UN_REGISTER_BROKER_QUEUE_CAPACITY = 3_000;

/** RocketMQ: time given to brokers to register before routes are answered, where that is switched on. */
export const DEFAULT_WAIT_SECONDS_FOR_SERVICE = 45;

/** RocketMQ: a oneway notice to a broker is given up after this. */
export const NOTIFY_MIN_BROKER_ID_TIMEOUT_MS = 300;

/** Broker addresses (a group has one for each member). Each holds some KiB beside its topics. */
export const DEFAULT_MAX_BROKERS = 10_000;

/** Topic names. Each costs some 200 bytes beside its queue data. */
export const DEFAULT_MAX_TOPICS = 500_000;

/** Queue data: one for each topic on each broker group, some 150 bytes each. */
export const DEFAULT_MAX_QUEUE_DATA = 2_000_000;

/** Client and broker connections. 16,384 idle ones take some 250 MB. */
export const DEFAULT_MAX_CONNECTIONS = 16_384;

/** Largest request: RocketMQ's frame limit, which a broker with 50,000 topics comes near to. */
export const DEFAULT_MAX_REQUEST_BYTES = 16_777_216;

/** Entries of the KV configuration: it is meant for order topics and switches, and lives in memory. */
export const DEFAULT_MAX_KV_ENTRIES = 100_000;

/** Characters of namespaces and keys (MySQL's index), and bytes of a value (MySQL's `text`). */
export const KV_NAME_MAX_LENGTH = 255;
export const KV_VALUE_MAX_BYTES = 65_535;

/** Characters of cluster and broker names and addresses. RocketMQ's own are far shorter; what is longer is no name. */
export const NAME_MAX_LENGTH = 255;

/** Topics of this prefix tell the members of a broker group of each other: their route is never changed for an acting master. */
export const SYNC_BROKER_MEMBER_GROUP_PREFIX = 'rmq_sys_SYNC_BROKER_MEMBER_';

/** At stop, requests under way get this long. */
export const DEFAULT_SHUTDOWN_GRACE_MS = 3_000;

/** Filter servers of a broker; no broker of today has any. */
export const MAX_FILTER_SERVERS = 100;

/** Characters of a static topic's mapping, as JSON: it is carried as it comes, so it must not be a way to fill the memory. */
export const MAX_MAPPING_LENGTH = 16_384;
