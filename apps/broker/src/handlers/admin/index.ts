import type { Type } from '@nestjs/common';
import { CleanExpiredConsumequeueHandler } from './clean-expired-consumequeue.handler.js';
import { CleanUnusedTopicHandler } from './clean-unused-topic.handler.js';
import { DeleteExpiredCommitlogHandler } from './delete-expired-commitlog.handler.js';
import { GetBrokerRuntimeInfoHandler } from './get-broker-runtime-info.handler.js';
import { GetConsumeStatsHandler } from './get-consume-stats.handler.js';
import { GetConsumerConnectionListHandler } from './get-consumer-connection-list.handler.js';
import { GetProducerConnectionListHandler } from './get-producer-connection-list.handler.js';
import { GetTopicStatsInfoHandler } from './get-topic-stats-info.handler.js';
import { QueryTopicConsumeByWhoHandler } from './query-topic-consume-by-who.handler.js';
import { QueryTopicsByConsumerHandler } from './query-topics-by-consumer.handler.js';

/** Request codes that only tools send. */
export const ADMIN_HANDLERS: readonly Type[] = [
  CleanExpiredConsumequeueHandler,
  CleanUnusedTopicHandler,
  DeleteExpiredCommitlogHandler,
  GetBrokerRuntimeInfoHandler,
  GetConsumeStatsHandler,
  GetConsumerConnectionListHandler,
  GetProducerConnectionListHandler,
  GetTopicStatsInfoHandler,
  QueryTopicConsumeByWhoHandler,
  QueryTopicsByConsumerHandler,
];
