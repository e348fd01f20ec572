import { AUTO_CREATE_TOPIC, type CompressionType } from '@rocknest/protocol';
import { checkGroup } from '../consumer/push-consumer-options.js';
import * as defaults from '../defaults.js';
import { resolveClientOptions, type ClientOptions, type ResolvedClientOptions } from '../options.js';
import { integerOption, invalidArgument } from '../support/check.js';
import type { CompressionOptions } from './compression.js';
import { latencyLadder, type FaultStrategyOptions } from './fault-strategy.js';
import type { AccumulatorOptions } from './produce-accumulator.js';
import type { SendEngineOptions } from './send-engine.js';
import type { TransactionRunnerOptions } from './transaction-runner.js';
import type { TransactionListener } from './transaction-types.js';

/** RocketMQ's names and defaults where it has them (`client/producer/DefaultMQProducer.java`). */
export interface ProducerOptions extends ClientOptions {
  /** Name of this kind of producer; brokers show it to administrators. */
  group: string;
  /** ms for a send with all its attempts: 3,000. */
  sendMsgTimeoutMs?: number;
  /** ms for one attempt of it; 0 (default) for all the time that is left. Lower, a broker that hangs leaves time for another one. */
  sendMsgMaxTimeoutPerRequestMs?: number;
  /** Further attempts of `send`: 2. */
  retryTimesWhenSendFailed?: number;
  /** Further attempts of `sendAsync`: 2. */
  retryTimesWhenSendAsyncFailed?: number;
  /** Try another broker when one stored the message and could not flush or replicate it in time: false. */
  retryAnotherBrokerWhenNotStoreOk?: boolean;
  /** Pass over brokers whose sends took long or failed, for a while that grows with what they took: false. */
  sendLatencyFaultEnable?: boolean;
  /** A send that took so many ms or more ... (RocketMQ: `latencyMax`): 50, 100, 550, 1,800, 3,000, 5,000, 15,000. */
  latencyMaxMs?: readonly number[];
  /** ... has its broker passed over for so many ms (RocketMQ: `notAvailableDuration`): 0, 0, 2,000, 5,000, 6,000, 10,000, 30,000. */
  notAvailableDurationMs?: readonly number[];
  /** With `sendLatencyFaultEnable`: brokers that failed are probed and passed over until they answer, instead of for a while: false. */
  startDetectorEnable?: boolean;
  /** ms between two probes of a broker: 2,000 (RocketMQ: `detectInterval`). */
  detectIntervalMs?: number;
  /** ms for one of them: 200 (RocketMQ: `detectTimeout`). */
  detectTimeoutMs?: number;
  /** Bytes from which a body is compressed (RocketMQ: `compressMsgBodyOverHowmuch`): 4,096. */
  compressMsgBodyOverBytes?: number;
  /** `ZLIB` (default), `LZ4` (fast) or `ZSTD` (small and fast). Consumers before RocketMQ 4.9.3 or 5.0 read ZLIB only. */
  compressType?: CompressionType;
  /** 1 (fast) to 9 of zlib, to 22 of Zstandard: 5. LZ4 has no levels. */
  compressLevel?: number;
  /** Bytes of a body, or of a whole batch: 4 MiB. */
  maxMessageSizeBytes?: number;
  /** Topic whose configuration a broker copies for a topic that a send creates: TBW102. */
  createTopicKey?: string;
  /** Queues of such a topic: 4. */
  defaultTopicQueueNums?: number;
  /** Sends on the wire at once; further ones wait: 1,024. */
  maxInFlightSends?: number;
  /** Sends on the wire or waiting; one more fails with TOO_MANY_PENDING_SENDS: 65,535. */
  maxPendingSends?: number;
  /** Body bytes of those sends: 100 MiB. */
  maxPendingSendBytes?: number;
  /** Single sends of one topic and tag travel in batches when they come close together: false (RocketMQ: `autoBatch`). */
  autoBatch?: boolean;
  /** ms that a message waits for others then: 10. */
  batchMaxDelayMs?: number;
  /** Bytes at which such a batch goes: 32 KiB. */
  batchMaxBytes?: number;
  /** Bytes of all messages in such batches; what comes beyond goes by itself: 32 MiB. */
  totalBatchMaxBytes?: number;
  /** The local side of `sendMessageInTransaction`. All members of the group need one that knows the others' transactions. */
  transactionListener?: TransactionListener;
  /** Checks of the broker that run at once: 10 (RocketMQ: `checkThreadPoolMaxSize`, 1). */
  transactionCheckConcurrency?: number;
  /** Checks that wait at most; the broker asks again about those beyond: 2,000. */
  checkRequestHoldMax?: number;
}

export interface ResolvedProducerOptions {
  client: ResolvedClientOptions;
  engine: SendEngineOptions;
  /** Undefined without `sendLatencyFaultEnable`. */
  faults: FaultStrategyOptions | undefined;
  sendMsgTimeoutMs: number;
  retryTimesWhenSendFailed: number;
  retryTimesWhenSendAsyncFailed: number;
  compression: CompressionOptions;
  maxMessageSizeBytes: number;
  accumulator: AccumulatorOptions | undefined;
  transactions: Pick<TransactionRunnerOptions, 'listener' | 'checkConcurrency' | 'checkRequestHoldMax'> | undefined;
}

/** The highest level of each kind; one for LZ4 is accepted and has no effect, as in Java. */
const COMPRESS_LEVELS: Readonly<Record<CompressionType, number>> = { ZLIB: 9, LZ4: 22, ZSTD: 22 };
const GIB = 1024 * 1024 * 1024;
/** A frame carries at most 16 MiB; leave room for the header. */
const MAX_BODY_BYTES = 15 * 1024 * 1024;

/** @throws MQClientError INVALID_ARGUMENT or INVALID_NAMESRV_ADDR. */
export function resolveProducerOptions(options: ProducerOptions): ResolvedProducerOptions {
  checkGroup(options.group);
  const integer = (name: keyof ProducerOptions, fallback: number, min = 1, max?: number): number =>
    integerOption(name, options[name] as number | undefined, fallback, min, max);
  const client = resolveClientOptions(options);
  const compressType = options.compressType ?? 'ZLIB';
  if (!Object.hasOwn(COMPRESS_LEVELS, compressType)) {
    throw invalidArgument(`option compressType is "${String(compressType)}", must be "ZLIB", "LZ4" or "ZSTD"`);
  }
  const maxMessageSizeBytes = integer('maxMessageSizeBytes', defaults.MAX_MESSAGE_SIZE_BYTES, 1, MAX_BODY_BYTES);
  const compressMsgBodyOverBytes = integer('compressMsgBodyOverBytes', defaults.COMPRESS_MSG_BODY_OVER_BYTES);
  const accumulator = {
    batchMaxDelayMs: integer('batchMaxDelayMs', defaults.BATCH_MAX_DELAY_MS, 1, 30_000),
    batchMaxBytes: integer('batchMaxBytes', defaults.BATCH_MAX_BYTES, 1, 2 * 1024 * 1024),
    totalBatchMaxBytes: integer('totalBatchMaxBytes', defaults.TOTAL_BATCH_MAX_BYTES, 1, 8 * GIB),
    compressMsgBodyOverBytes,
    maxMessageSizeBytes,
  };
  const faults = {
    ...latencyLadder(options.latencyMaxMs, options.notAvailableDurationMs),
    startDetectorEnable: options.startDetectorEnable === true,
    detectIntervalMs: integer('detectIntervalMs', defaults.DETECT_INTERVAL_MS, 10),
    detectTimeoutMs: integer('detectTimeoutMs', defaults.DETECT_TIMEOUT_MS, 10),
  };
  if (faults.startDetectorEnable && options.sendLatencyFaultEnable !== true) {
    throw invalidArgument(
      'startDetectorEnable needs sendLatencyFaultEnable: without a fault table there is nothing to probe',
    );
  }
  return {
    client,
    accumulator: options.autoBatch === true ? accumulator : undefined,
    engine: {
      group: client.namespace?.wrap(options.group) ?? options.group,
      defaultTopic: options.createTopicKey ?? AUTO_CREATE_TOPIC,
      defaultTopicQueueNums: integer('defaultTopicQueueNums', defaults.DEFAULT_TOPIC_QUEUE_NUMS, 1, 65_536),
      serializeType: client.serializeType,
      namespaceV2: client.namespaceV2,
      maxInFlightSends: integer('maxInFlightSends', defaults.MAX_IN_FLIGHT_SENDS, 1, 65_535),
      maxPendingSends: integer('maxPendingSends', defaults.MAX_PENDING_SENDS, 1, 10_000_000),
      maxPendingSendBytes: integer('maxPendingSendBytes', defaults.MAX_PENDING_SEND_BYTES, 1, 8 * GIB),
      maxTimeoutPerRequestMs: integer('sendMsgMaxTimeoutPerRequestMs', 0, 0),
      retryAnotherBrokerWhenNotStoreOk: options.retryAnotherBrokerWhenNotStoreOk ?? false,
    },
    faults: options.sendLatencyFaultEnable === true ? faults : undefined,
    sendMsgTimeoutMs: integer('sendMsgTimeoutMs', defaults.SEND_MSG_TIMEOUT_MS),
    retryTimesWhenSendFailed: integer('retryTimesWhenSendFailed', defaults.RETRY_TIMES_WHEN_SEND_FAILED, 0, 100),
    retryTimesWhenSendAsyncFailed: integer(
      'retryTimesWhenSendAsyncFailed',
      defaults.RETRY_TIMES_WHEN_SEND_FAILED,
      0,
      100,
    ),
    compression: {
      compressType,
      compressLevel: integer('compressLevel', defaults.COMPRESS_LEVEL, 1, COMPRESS_LEVELS[compressType]),
      compressMsgBodyOverBytes,
    },
    maxMessageSizeBytes,
    transactions: options.transactionListener && {
      listener: options.transactionListener,
      checkConcurrency: integer('transactionCheckConcurrency', defaults.TRANSACTION_CHECK_CONCURRENCY, 1, 10_000),
      checkRequestHoldMax: integer('checkRequestHoldMax', defaults.CHECK_REQUEST_HOLD_MAX, 1, 1_000_000),
    },
  };
}
