import type { Type } from '@nestjs/common';
import { CleanExpiredConsumequeueHandler } from './clean-expired-consumequeue.handler.js';
import { CleanUnusedTopicHandler } from './clean-unused-topic.handler.js';
import { CloneGroupOffsetHandler } from './clone-group-offset.handler.js';
import { ConsumeMessageDirectlyHandler } from './consume-message-directly.handler.js';
import { DeleteExpiredCommitlogHandler } from './delete-expired-commitlog.handler.js';
import { GetBrokerConfigHandler } from './get-broker-config.handler.js';
import { GetBrokerConsumeStatsHandler } from './get-broker-consume-stats.handler.js';
import { GetBrokerHaStatusHandler } from './get-broker-ha-status.handler.js';
import { GetBrokerRuntimeInfoHandler } from './get-broker-runtime-info.handler.js';
import { GetConsumeStatsHandler } from './get-consume-stats.handler.js';
import { GetConsumerConnectionListHandler } from './get-consumer-connection-list.handler.js';
import { GetConsumerRunningInfoHandler } from './get-consumer-running-info.handler.js';
import { GetProducerConnectionListHandler } from './get-producer-connection-list.handler.js';
import { GetTimerCheckPointHandler } from './get-timer-check-point.handler.js';
import { GetTimerMetricsHandler } from './get-timer-metrics.handler.js';
import { GetTopicStatsInfoHandler } from './get-topic-stats-info.handler.js';
import { InvokeBrokerToGetConsumerStatusHandler } from './invoke-broker-to-get-consumer-status.handler.js';
import { InvokeBrokerToResetOffsetHandler } from './invoke-broker-to-reset-offset.handler.js';
import { QueryConsumeTimeSpanHandler } from './query-consume-time-span.handler.js';
import { QueryCorrectionOffsetHandler } from './query-correction-offset.handler.js';
import { QuerySubscriptionByConsumerHandler } from './query-subscription-by-consumer.handler.js';
import { QueryTopicConsumeByWhoHandler } from './query-topic-consume-by-who.handler.js';
import { QueryTopicsByConsumerHandler } from './query-topics-by-consumer.handler.js';
import { ResumeCheckHalfMessageHandler } from './resume-check-half-message.handler.js';
import { UpdateBrokerConfigHandler } from './update-broker-config.handler.js';

/** Request codes that only tools send. */
export const ADMIN_HANDLERS: readonly Type[] = [
  CleanExpiredConsumequeueHandler,
  CleanUnusedTopicHandler,
  CloneGroupOffsetHandler,
  ConsumeMessageDirectlyHandler,
  DeleteExpiredCommitlogHandler,
  GetBrokerConfigHandler,
  GetBrokerConsumeStatsHandler,
  GetBrokerHaStatusHandler,
  GetBrokerRuntimeInfoHandler,
  GetConsumeStatsHandler,
  GetConsumerConnectionListHandler,
  GetConsumerRunningInfoHandler,
  GetProducerConnectionListHandler,
  GetTimerCheckPointHandler,
  GetTimerMetricsHandler,
  GetTopicStatsInfoHandler,
  InvokeBrokerToGetConsumerStatusHandler,
  InvokeBrokerToResetOffsetHandler,
  QueryConsumeTimeSpanHandler,
  QueryCorrectionOffsetHandler,
  QuerySubscriptionByConsumerHandler,
  QueryTopicConsumeByWhoHandler,
  QueryTopicsByConsumerHandler,
  ResumeCheckHalfMessageHandler,
  UpdateBrokerConfigHandler,
];
