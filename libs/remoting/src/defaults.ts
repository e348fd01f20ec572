/**
 * Every default of this room, with its unit and reason. Those that Java clients notice follow
 * `remoting/netty/NettyServerConfig.java`, `NettyClientConfig.java` and `NettySystemConfig.java`.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Loopback: nothing is reachable from other machines unless somebody says so. */
export const DEFAULT_HOST = '127.0.0.1';
/** Pending TCP handshakes the kernel keeps for us; RocketMQ's value. */
export const DEFAULT_BACKLOG = 1024;
/** Connections at once. One idle connection costs about 15 KiB here; more than that and sockets' file descriptors run out first. */
export const DEFAULT_MAX_CONNECTIONS = 16_384;
/** Nothing read and nothing written for so long: closed. RocketMQ's value; clients heartbeat every 30 s. */
export const DEFAULT_IDLE_TIMEOUT_MS = 120_000;
/** A peer that connects and never completes a first frame is closed after this: clients connect because they have a request. */
export const DEFAULT_FIRST_FRAME_TIMEOUT_MS = 30_000;
/** A frame that has begun may take this long, plus its size divided by {@link DEFAULT_MIN_FRAME_BYTES_PER_SECOND}. */
export const DEFAULT_PARTIAL_FRAME_TIMEOUT_MS = 30_000;
/** Slower than this, a peer that sends a large frame is taken for one that holds memory on purpose. */
export const DEFAULT_MIN_FRAME_BYTES_PER_SECOND = 16 * KIB;
/** Memory of frames whose end has not come, of all connections of a server: what slow or hostile senders can hold. */
export const DEFAULT_MAX_PARTIAL_FRAME_BYTES = 512 * MIB;
/** How often the timeouts of connections are looked at; a quarter of the smallest of them when that is less. */
export const MAX_SWEEP_INTERVAL_MS = 5_000;

/**
 * Requests of one connection that wait for an answer. Parked pulls stay in flight for up to 30 s, one for each queue of
 * each group, so it is far above what RocketMQ's clients have outstanding.
 */
export const DEFAULT_MAX_IN_FLIGHT_PER_CONNECTION = 16_384;
/** The same for a whole server. */
export const DEFAULT_MAX_IN_FLIGHT = 131_072;
/** Frames of at least this many bytes are counted against {@link DEFAULT_MAX_LARGE_IN_FLIGHT_BYTES} while they are in flight. */
export const LARGE_FRAME_BYTES = 64 * KIB;
/** Bytes of large frames that a server holds while their requests wait for an answer. */
export const DEFAULT_MAX_LARGE_IN_FLIGHT_BYTES = 512 * MIB;

/** Above this many unsent bytes a connection is not writable, and a server stops reading requests from it. */
export const DEFAULT_WRITE_HIGH_WATER_MARK_BYTES = 1 * MIB;
/** Below this many unsent bytes reading goes on. */
export const DEFAULT_WRITE_LOW_WATER_MARK_BYTES = 256 * KIB;
/** Past this many unsent bytes a server closes the connection: answers to parked pulls still come while reading is stopped. */
export const DEFAULT_MAX_BUFFERED_BYTES_PER_CONNECTION = 64 * MIB;
/** Unsent bytes of all connections of a server; past it the one that wants to add to it while not writable is closed. */
export const DEFAULT_MAX_BUFFERED_BYTES = 512 * MIB;
/** Collected bytes of one connection that are sent at once instead of at the end of the loop turn. */
export const EARLY_FLUSH_BYTES = 256 * KIB;
/** Frames up to this size are copied together: the copy (0.09 us a KiB) costs less than one more element of a writev. */
export const COPY_LIMIT_BYTES = 8 * KIB;

/** One read takes at most so much; a frame that does not end within it is copied together. */
export const RECEIVE_ROOM_BYTES = 256 * KIB;

/** Size of a page that frames are encoded into: the answers of a loop turn to one connection. A peer that stops reading holds one at most. */
export const WRITE_PAGE_BYTES = 16 * KIB;
/** Pages kept for further use, all connections together; when as many are in use, what was gathered is sent before the turn ends. */
export const MAX_FREE_WRITE_PAGES = 64;
/** Size of the second and further pages of a turn, and of pages for large frames: the most that RocketMQ lets one pull return, and its header. */
export const LARGE_WRITE_PAGE_BYTES = 258 * KIB;
export const MAX_FREE_LARGE_WRITE_PAGES = 8;

/** Requests of ours that one server connection may wait for: RocketMQ allows 64 asynchronous ones. */
export const DEFAULT_MAX_PENDING_PER_SERVER_CONNECTION = 1024;
/** Requests of a client that wait for an answer, over all its connections; RocketMQ's `clientAsyncSemaphoreValue`. */
export const DEFAULT_MAX_PENDING_OF_CLIENT = 65_535;
/** A connection attempt that takes longer has failed; RocketMQ's `connectTimeoutMillis`. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 3_000;
/** A request timed out and nothing at all came for so long: the peer is taken for gone, and the connection is closed. */
export const DEFAULT_SILENT_PEER_TIMEOUT_MS = 10_000;
/** A oneway request waits at most so long for room in a connection that is not writable. */
export const DEFAULT_ONEWAY_TIMEOUT_MS = 3_000;

/** How long `close()` waits for requests in flight. */
export const DEFAULT_CLOSE_GRACE_MS = 3_000;
/** During the grace time, a connection without work on which nothing came for so long is broken off. */
export const QUIET_BEFORE_END_MS = 50;
/** A connection is reset so long after the last request was taken from it: the answers have reached the peer by then. */
export const RESET_DELAY_MS = 100;
/** How long a closed connection may take to hand over what was answered before. */
export const CLOSE_LINGER_MS = 1_000;

/** Resolution of request time-outs. */
export const TIMER_TICK_MS = 10;
/** Slots of the timer wheel: one revolution is 10.24 s. */
export const TIMER_SLOTS = 1024;

/** One kind of trouble of the network is logged at most once in this time. */
export const LOG_INTERVAL_MS = 10_000;
/** A remark made of an error's message is cut here: a header has to hold it. */
export const MAX_ERROR_REMARK_CHARS = 2_048;
