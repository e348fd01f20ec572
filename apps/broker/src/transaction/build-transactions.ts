import type { MessageStore } from '@rocknest/store';
import type { ProducerManager } from '../clients/producer-manager.js';
import { systemClock } from '../clock.js';
import type { BrokerConfig } from '../config/broker-settings.js';
import type { BrokerLogger } from '../logger.js';
import type { Metadata } from '../metadata/index.js';
import { CheckPass } from './check-pass.js';
import { CheckSender } from './check-sender.js';
import { EarlierCommits } from './earlier-commits.js';
import { HalfQueues } from './half-queues.js';
import { TransactionEnd } from './transaction-end.js';
import { TransactionReader } from './transaction-reader.js';
import { TransactionService } from './transaction-service.js';

export interface TransactionParts {
  readonly end: TransactionEnd;
  readonly service: TransactionService;
}

/** What a broker needs for transactions, put together. */
export function buildTransactions(options: {
  readonly config: BrokerConfig;
  readonly store: MessageStore;
  readonly metadata: Metadata;
  readonly producers: ProducerManager;
  readonly advertisedIp: string;
  readonly createUniqKey: () => string;
  readonly logger: BrokerLogger;
}): TransactionParts {
  const { config, store, metadata, producers, advertisedIp, createUniqKey, logger } = options;
  const warn = (text: string): void => logger.warn(text);
  const queues = new HalfQueues(store, {
    maxSizeBytes: () => config.transactionOpMsgMaxSize,
    intervalMs: () => config.transactionOpBatchInterval,
    bornHost: () => `${advertisedIp}:${config.listenPort}`,
    createUniqKey,
    clock: systemClock,
    warn,
  });
  const earlier = new EarlierCommits(store, systemClock);
  const sender = new CheckSender(producers, warn);
  const pass = new CheckPass(store, new TransactionReader(store), metadata.offsets, sender, earlier, {
    timeoutMs: () => config.transactionTimeOut,
    checkMax: () => config.transactionCheckMax,
    reservedMs: () => config.fileReservedTime * 3_600_000,
    clock: systemClock,
    warn,
  });
  const service = new TransactionService(metadata.topics, queues, pass, {
    intervalMs: () => config.transactionCheckInterval,
    warn,
  });
  const end = new TransactionEnd(store, queues, earlier, {
    timeoutMs: () => config.transactionTimeOut,
    maxMessageSizeBytes: config.maxMessageSize,
    clock: systemClock,
  });
  return { end, service };
}
