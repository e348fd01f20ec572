/** Defaults of `@rocknest/client-core`: one constant each, with the unit and the reason. RocketMQ's own values unless a comment says otherwise. */

/** ms between two looks at the routes of every topic in use (`ClientConfig.pollNameServerInterval`). */
export const POLL_NAMESRV_INTERVAL_MS = 30_000;
/**
 * ms between the looks at routes after the connection to a broker closed, as long as it is gone and its group has no other master: RocketMQ's clients go on
 * with the old route for up to 30 s. Often for 5 s, in which a group elects its next master; together they end about when the next usual look comes.
 */
export const ROUTE_REFRESH_AFTER_LOSS_MS: readonly number[] = [
  ...[100, 200, 300],
  ...Array.from({ length: 12 }, () => 400),
  ...[1_000, 1_000, 1_000, 2_000, 4_000, 8_000, 8_000],
];
/** Looks closer to each other are at one topic of the broker, which tells whether it has a master. A client may have thousands of topics. */
export const FULL_LOOK_AFTER_MS = 1_000;
/**
 * ms of silence after which a broker that owes answers to pulls is asked for a sign of life (`brokerPingIntervalMs`). With the time for the answer, and a look
 * every quarter, pulls leave a broker that hangs within 0.8 s. An idle consumer costs each broker it reads from, that has slaves, 2.5 small requests a second.
 */
export const BROKER_PING_INTERVAL_MS = 400;
/** The time for the answer, as a share of it: much longer than a broker's pause of a few ms, much shorter than users want to wait. */
export const BROKER_PING_TIMEOUT_SHARE = 0.75;
/** Looks within that interval. */
export const BROKER_PULSE_LOOKS = 4;
/** ms for which a broker that did not serve a pull in another one's place is not asked again. */
export const PASS_OVER_MS = 1_000;
/** ms between looks that come before their time, as somebody asks a broker in vain: less than the 300 ms in which a send to a single broker is tried three times. */
export const EARLY_LOOK_GAP_MS = 200;
/** Share of the delays by which clients differ, so that all clients of a broker that stops do not ask at the same moment. */
export const ROUTE_REFRESH_JITTER = 0.5;
/**
 * ms between two looks for a topic that a consumer subscribes to and no namesrv knows yet. RocketMQ waits the whole 30 s, so the
 * first message of a topic that its own send creates comes half a minute late; asking costs a namesrv a few microseconds.
 */
export const POLL_MISSING_ROUTE_INTERVAL_MS = 2_000;
/** ms between two heartbeats to each broker (`ClientConfig.heartbeatBrokerInterval`); a broker forgets a client after 120 s. */
export const HEARTBEAT_INTERVAL_MS = 30_000;
/** ms between two writes of consumer offsets to the broker (`ClientConfig.persistConsumerOffsetInterval`). */
export const PERSIST_CONSUMER_OFFSET_INTERVAL_MS = 5_000;
/** Every how many rounds an offset is sent though it did not change: a broker that lost its last five seconds hears it again. */
export const PERSIST_UNCHANGED_EVERY_ROUNDS = 12;
/** ms between two rebalances (`RebalanceService`: 20 s). */
export const REBALANCE_INTERVAL_MS = 20_000;
/**
 * ms between learning that a queue is ours and asking where to begin, in a group with other members: the one that had it heard the same notice and
 * writes its offset meanwhile; asking at once would bring its last messages again. (The reference waits 500 ms before its first pull.)
 */
export const HANDOVER_DELAY_MS = 200;
/** ms after which a broker has surely handled a pull (parked it or answered it). */
export const PULL_SETTLE_MS = 50;
/** ms between two reports of one difference between what consumers of a group in this process subscribe to. */
export const SUBSCRIPTION_MISMATCH_LOG_INTERVAL_MS = 600_000;
/** Places of each member on the ring of consistent hashing (`AllocateMessageQueueConsistentHash`). */
export const CONSISTENT_HASH_VIRTUAL_NODES = 10;
/** More places make shares more even and each rebalance slower: a place costs one MD5. */
export const MAX_CONSISTENT_HASH_VIRTUAL_NODES = 10_000;
/** ms until the next try of a rebalance that could not be completed (`RebalanceService.minInterval`). */
export const REBALANCE_RETRY_INTERVAL_MS = 1_000;
/** ms for one request that is neither send nor pull (`ClientConfig.mqClientApiTimeout`). */
export const MQ_CLIENT_API_TIMEOUT_MS = 3_000;
/** ms that one namesrv may take while another one is left to ask: a half-dead namesrv delays a route by this much, once. */
export const NAMESRV_FAILOVER_TIMEOUT_MS = 1_000;
/** ms for which a namesrv that did not answer is asked after all others, and not for a second opinion at all. */
export const NAMESRV_DOUBT_MS = 30_000;
/** Rounds over all namesrvs in which `start()` looks for one that answers. */
export const START_ATTEMPTS = 3;
/** ms between two such rounds. */
export const START_RETRY_INTERVAL_MS = 1_000;
/** Route queries under way at once; 8 topics at a time refresh 1,000 topics in well under a second. */
export const ROUTE_QUERY_CONCURRENCY = 8;
/** Topics in one client's route table; a program that sends to generated names must not grow without bound. */
export const MAX_ROUTE_TOPICS = 100_000;

/** ms for a send with all its retries (`DefaultMQProducer.sendMsgTimeout`). */
export const SEND_MSG_TIMEOUT_MS = 3_000;
/** Retries after a failed attempt (`retryTimesWhenSendFailed`, `retryTimesWhenSendAsyncFailed`). */
export const RETRY_TIMES_WHEN_SEND_FAILED = 2;
/** Bytes from which a body is compressed (`compressMsgBodyOverHowmuch`). */
export const COMPRESS_MSG_BODY_OVER_BYTES = 4096;
/** Level of zlib and Zstandard (`MessageDecoder`/`compressLevel`: 5). */
export const COMPRESS_LEVEL = 5;
/** Bodies up to this many bytes are compressed on the event loop (about 0.3 ms), larger ones in libuv's pool. */
export const COMPRESS_INLINE_MAX_BYTES = 16_384;
/** Bytes of a body, or of all bodies of a batch (`maxMessageSize`). */
export const MAX_MESSAGE_SIZE_BYTES = 4 * 1024 * 1024;
/** Bodies up to this many bytes are copied into the frame that is sent (0.1 us a KiB); larger ones stay where they are. */
export const COPIED_BODY_MAX_BYTES = 8 * 1024;
/** Bytes of the encoded properties that a producer accepts: 32,767 on disk, less room for what the broker adds (CLUSTER, MSG_REGION, TRACE_ON, ids of a retry). */
export const MAX_PROPERTIES_BYTES = 32_767 - 1024;
/** Queues that a topic gets when a send creates it (`defaultTopicQueueNums`). */
export const DEFAULT_TOPIC_QUEUE_NUMS = 4;
/** Sends of one producer on the wire at once (`backPressureForAsyncSendNum`: 1,024 since 5.2). */
export const MAX_IN_FLIGHT_SENDS = 1_024;
/** Sends of one producer on the wire or waiting for their turn (`clientAsyncSemaphoreValue`: 65,535); one more fails at once. */
export const MAX_PENDING_SENDS = 65_535;
/** Body bytes of those sends (`backPressureForAsyncSendSize`: 100 MiB). */
export const MAX_PENDING_SEND_BYTES = 100 * 1024 * 1024;

/**
 * A send that took so many ms or more has its broker passed over for as long as the second list says at the same place, with `sendLatencyFaultEnable`
 * (`MQFaultStrategy.latencyMax` and `notAvailableDuration` of 5.x).
 */
export const LATENCY_MAX_MS: readonly number[] = [50, 100, 550, 1_800, 3_000, 5_000, 15_000];
export const NOT_AVAILABLE_DURATION_MS: readonly number[] = [0, 0, 2_000, 5_000, 6_000, 10_000, 30_000];
/** ms that a failed send counts as (`MQFaultStrategy.updateFaultItem`: isolation). */
export const ISOLATION_LATENCY_MS = 10_000;
/** ms between two probes of a broker that is not reachable, and for one of them (`ClientConfig.detectInterval`, `detectTimeout`). */
export const DETECT_INTERVAL_MS = 2_000;
export const DETECT_TIMEOUT_MS = 200;
/** ms between two looks for brokers to be probed, when `detectIntervalMs` is not shorter (`LatencyFaultToleranceImpl.startDetector`). */
export const FAULT_DETECTOR_ROUND_MS = 3_000;
/** Probes under way at once: a probe of a broker that hangs takes its whole time. */
export const PROBE_CONCURRENCY = 16;
/** Brokers in the tables of faults and pauses of one producer: far more than a cluster has. */
export const MAX_FAULT_BROKERS = 10_000;
/** ms for which a broker is left alone that answered SYSTEM_BUSY or FLOW_CONTROL, twice as long each time it does so again, and the longest. */
export const FLOW_CONTROL_DELAY_MS = 50;
export const MAX_FLOW_CONTROL_DELAY_MS = 1_000;

/** ms that a message waits for fellows with `autoBatch` (`ProduceAccumulator.holdMs`). */
export const BATCH_MAX_DELAY_MS = 10;
/** Bytes at which such a batch goes (`ProduceAccumulator.holdSize`). */
export const BATCH_MAX_BYTES = 32 * 1024;
/** Bytes of all messages that wait so (`ProduceAccumulator.totalHoldSize`). */
export const TOTAL_BATCH_MAX_BYTES = 32 * 1024 * 1024;
/** Bytes of one request of `sendInBatches`: a quarter of what brokers take, so that others get their turn in between. */
export const SPLIT_BATCH_BYTES = 1024 * 1024;

/** Checks of transactions running at once: they wait for a database (`checkThreadPoolMaxSize`: 1, one thread of Java). */
export const TRANSACTION_CHECK_CONCURRENCY = 10;
/** Checks of transactions that wait (`checkRequestHoldMax`). */
export const CHECK_REQUEST_HOLD_MAX = 2_000;

/** Handlers of one consumer running at once (`consumeThreadMax`). */
export const CONSUME_THREAD_MAX = 20;
/** Messages handed to one call of the listener. */
export const CONSUME_MESSAGE_BATCH_MAX_SIZE = 1;
/** Messages asked for in one pull. */
export const PULL_BATCH_SIZE = 32;
/** Body bytes asked for in one pull (`pullBatchSizeInBytes`, 5.x brokers). */
export const PULL_BATCH_SIZE_BYTES = 256 * 1024;
/** Messages held for one queue before its pulls pause. */
export const PULL_THRESHOLD_FOR_QUEUE = 1_000;
/** MiB held for one queue before its pulls pause. */
export const PULL_THRESHOLD_SIZE_FOR_QUEUE_MIB = 100;
/** Offsets between the first and the last message held of one queue before its pulls pause (`consumeConcurrentlyMaxSpan`). */
export const CONSUME_CONCURRENTLY_MAX_SPAN = 2_000;
/** ms that a broker may hold a pull without a message (`brokerSuspendMaxTimeMillis`). */
export const BROKER_SUSPEND_MAX_TIME_MS = 15_000;
/** ms after which a held pull is given up (`consumerTimeoutMillisWhenSuspend`); must exceed the hold. */
export const PULL_TIMEOUT_MS = 30_000;
/** ms until the next pull after an error (`pullTimeDelayMillsWhenException`). */
export const PULL_DELAY_AFTER_ERROR_MS = 3_000;
/**
 * ms until the next pull after the connection failed; twice as many after each further failure, up to those above. The route has been looked up again by
 * then, and names a slave to read from when the master is gone.
 */
export const PULL_DELAY_AFTER_CONNECTION_LOSS_MS = 200;
/** ms until the next pull after the broker said FLOW_CONTROL. */
export const PULL_DELAY_AFTER_BROKER_FLOW_CONTROL_MS = 20;
/** ms until the first retry after a broker did not know the subscription yet: a heartbeat went out in between. */
export const PULL_DELAY_AFTER_HEARTBEAT_MS = 100;
/** ms without a pull after which a queue is dropped and taken again (`PULL_MAX_IDLE_TIME`). */
export const PULL_MAX_IDLE_TIME_MS = 120_000;
/** ms for a send-back (`consumerSendMessageBack`). */
export const SEND_BACK_TIMEOUT_MS = 5_000;
/** ms that a handler may take for a message before it is sent back (`consumeTimeout`: 15 minutes), and between two looks for such messages. */
export const CONSUME_TIMEOUT_MS = 15 * 60_000;
/** Messages that one scan sends back for each queue at most (`ProcessQueue.cleanExpiredMsg`), with this delay level. */
export const EXPIRED_MESSAGES_PER_SCAN = 16;
export const EXPIRED_MESSAGE_DELAY_LEVEL = 3;
/** Queues whose expired messages are sent back at once. */
export const EXPIRED_SCAN_CONCURRENCY = 16;
/** ms until a message that could not be sent back is handed to the listener again. */
export const LOCAL_RETRY_DELAY_MS = 5_000;
/** Redeliveries before the dead letter queue when `maxReconsumeTimes` is -1. */
export const MAX_RECONSUME_TIMES = 16;
/** ms for which a queue rests after an orderly listener failed (`suspendCurrentQueueTimeMillis`), and the range it is taken into. */
export const SUSPEND_CURRENT_QUEUE_MS = 1_000;
export const MIN_SUSPEND_CURRENT_QUEUE_MS = 10;
export const MAX_SUSPEND_CURRENT_QUEUE_MS = 30_000;
/** ms between two renewals of an orderly consumer's locks (`ProcessQueue.REBALANCE_LOCK_INTERVAL`), and until the first one. */
export const REBALANCE_LOCK_INTERVAL_MS = 20_000;
export const FIRST_LOCK_DELAY_MS = 1_000;
/** ms for which a lock is relied on after its last renewal (`ProcessQueue.REBALANCE_LOCK_MAX_LIVE_TIME`); brokers keep it for 60 s. */
export const REBALANCE_LOCK_MAX_LIVE_MS = 30_000;
/** ms for LOCK_BATCH_MQ and UNLOCK_BATCH_MQ (`RebalanceImpl.lock`: 1 s). */
export const LOCK_TIMEOUT_MS = 1_000;
/** ms until a lock that has run out is asked for again, and between further attempts (`tryLockLaterAndReconsume`). */
export const LOCK_REGAIN_DELAY_MS = 100;
export const LOCK_RETRY_DELAY_MS = 3_000;
/** ms until the next rebalance when a queue could not be locked (`RebalanceImpl.rebalanceLater`, 5.x). */
export const REBALANCE_AFTER_LOCK_FAILURE_MS = 500;
/** ms that a queue which goes to another member waits for its handler before the next attempt (`RebalancePushImpl`, 5.2). */
export const UNLOCK_WAIT_MS = 500;
/** ms after its last renewal from which a lock is given back though a handler still runs (`UNLOCK_DELAY_TIME_MILLS`). */
export const UNLOCK_FORCED_AFTER_MS = 20_000;
/** ms before now at which a new group starts with CONSUME_FROM_TIMESTAMP (30 minutes). */
export const CONSUME_TIMESTAMP_AGO_MS = 30 * 60_000;
/** ms that a shutdown waits for handlers that run and sends that are on their way. */
export const SHUTDOWN_TIMEOUT_MS = 30_000;
/** ms that an offset reset waits for running handlers of the queues (`DefaultMQPushConsumerImpl`/`resetOffset`: 10 s). */
export const RESET_OFFSET_WAIT_MS = 10_000;
/** Offset queries of one rebalance under way at once. */
export const OFFSET_QUERY_CONCURRENCY = 16;
/** Handlers that may start in one turn of the event loop before sockets and timers get theirs. */
export const MAX_STARTS_PER_TURN = 256;
/** ms after its last send at which a producer's route is forgotten instead of refreshed. */
export const ROUTE_IDLE_MS = 10 * 60_000;
/** ms for one request that looks for messages or offsets (`MQAdminImpl`: 6 s). */
export const LOOKUP_TIMEOUT_MS = 6_000;
/** A query by key gets so many times as long (`MQAdminImpl.queryMessage`). */
export const QUERY_TIMEOUT_FACTOR = 3;
/** Messages of one query by key: what brokers give at most (`maxMsgsNumBatch`). */
export const QUERY_MAX_NUM = 64;
/** ms before the time of a unique id at which its search begins: the clocks of producer and broker differ (Java allows 1 s). */
export const UNIQ_KEY_CLOCK_SLACK_MS = 60_000;

/** Messages asked for in one pop; what brokers give at most. */
export const POP_BATCH_NUMS = 32;
/** ms for which a popped message is its member's alone. */
export const POP_INVISIBLE_TIME_MS = 60_000;
/** Least and most of `invisibleTimeMs` (`DefaultMQPushConsumerImpl`). */
export const MIN_POP_INVISIBLE_TIME_MS = 5_000;
export const MAX_POP_INVISIBLE_TIME_MS = 300_000;
/** Messages held for one assignment before its pops pause. */
export const POP_THRESHOLD_FOR_QUEUE = 96;
/** Members behind one whose queues it pops too; up to 0 every member pops every queue (`defaultPopShareQueueNum` of the broker: -1). */
export const POP_SHARE_QUEUE_NUM = -1;
/** ms after its pop for which a message is kept from others while it waits or its handler runs: as long as a pulled one may take (`consumeTimeout`). */
export const POP_RENEW_FOR_MS = 15 * 60_000;
/** ms between two looks for messages whose time is half over; a short invisible time is looked at more often. */
export const POP_RENEW_SCAN_INTERVAL_MS = 1_000;
/** ms above the hold after which a pop is given up (`PullAPIWrapper.popAsync`). */
export const POP_TIMEOUT_MARGIN_MS = 10_000;
/** ms until messages that no handler has begun with come to another member when this one leaves. */
export const POP_RELEASE_MS = 1_000;
/** Messages of one BATCH_ACK_MESSAGE: a few hundred bytes each at most, far below a frame. */
export const POP_ACK_BATCH_MAX = 1_024;
/** ms between two batches of acknowledgements to a broker: a fast consumer sends 100 requests a second instead of one for a few messages. A crash has that much more again. */
export const POP_ACK_GATHER_MS = 10;
/** ACK_MESSAGEs to one broker under way at once, when it takes no batches. */
export const POP_ACK_MAX_IN_FLIGHT = 16;
/** Tries of an acknowledgement at least; there are more as long as the message's time runs. */
export const POP_ACK_ATTEMPTS = 3;
/** ms between two of them. */
export const POP_ACK_RETRY_DELAY_MS = 1_000;
/** Releases and changes of the invisible time under way at once while a consumer leaves. */
export const POP_RELEASE_CONCURRENCY = 16;

/** Bytes of a broadcasting consumer's offset file that are read: some 500,000 queues. */
export const MAX_LOCAL_OFFSETS_BYTES = 64 * 1024 * 1024;

/** Messages for one pull of a lite pull consumer, and for one `poll` (`DefaultLitePullConsumer.pullBatchSize`). */
export const LITE_PULL_BATCH_SIZE = 10;
/** ms for which brokers hold a pull of pull consumers (`DefaultLitePullConsumer.brokerSuspendMaxTimeMillis`). */
export const PULL_CONSUMER_SUSPEND_MAX_TIME_MS = 20_000;
/** ms for a pull that is not held (`consumerPullTimeoutMillis`). */
export const CONSUMER_PULL_TIMEOUT_MS = 10_000;
/** ms that `poll` waits for a message (`pollTimeoutMillis`). */
export const POLL_TIMEOUT_MS = 5_000;
/** Messages of all queues that wait for a `poll` before pulls pause (`pullThresholdForAll`). */
export const PULL_THRESHOLD_FOR_ALL = 10_000;
/** ms between two writes of offsets with `autoCommit`, and the least (`autoCommitIntervalMillis`). */
export const AUTO_COMMIT_INTERVAL_MS = 5_000;
/** ms between two looks whether the queues of a listened topic changed (`topicMetadataCheckIntervalMillis`). */
export const TOPIC_METADATA_CHECK_INTERVAL_MS = 30_000;

/** Entries for one trace message (`ClientConfig.traceMsgBatchNum`). */
export const TRACE_MSG_BATCH_NUM = 10;
/** ms after which fewer entries than that are sent (`AsyncTraceDispatcher.flushTraceInterval`). */
export const TRACE_FLUSH_INTERVAL_MS = 5_000;
/** Entries that wait to be sent; further ones are dropped and counted (`AsyncTraceDispatcher.traceContextQueue`). */
export const TRACE_QUEUE_MAX = 2_048;
/** Characters of one trace message after which the next one begins (`AsyncTraceDispatcher.maxMsgSize`). */
export const TRACE_MESSAGE_MAX_CHARACTERS = 128_000;
/** Bytes of the keys of one trace message: what properties may have, less room for the rest. */
export const TRACE_KEYS_MAX_BYTES = 24 * 1024;
/** Trace messages under way at once; entries wait meanwhile. */
export const TRACE_MAX_IN_FLIGHT = 32;
/** ms for one trace message, and for the last ones at a shutdown (`AsyncTraceDispatcher`: 5 s each). */
export const TRACE_SEND_TIMEOUT_MS = 5_000;
/** What trace records say of messages whose broker does not tell its region (`MixAll.DEFAULT_TRACE_REGION_ID`). */
export const DEFAULT_TRACE_REGION_ID = 'DefaultRegion';
