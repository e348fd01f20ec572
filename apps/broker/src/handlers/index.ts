import type { Type } from '@nestjs/common';
import { ADMIN_HANDLERS } from './admin/index.js';
import { CheckClientConfigHandler } from './check-client-config.handler.js';
import { ConsumerSendMsgBackHandler } from './consumer-send-msg-back.handler.js';
import { DeleteSubscriptiongroupHandler } from './delete-subscriptiongroup.handler.js';
import { DeleteTopicInBrokerHandler } from './delete-topic-in-broker.handler.js';
import { EndTransactionHandler } from './end-transaction.handler.js';
import { GetAllConsumerOffsetHandler } from './get-all-consumer-offset.handler.js';
import { GetAllDelayOffsetHandler } from './get-all-delay-offset.handler.js';
import { GetAllSubscriptiongroupConfigHandler } from './get-all-subscriptiongroup-config.handler.js';
import { GetAllTopicConfigHandler } from './get-all-topic-config.handler.js';
import { GetConsumerListByGroupHandler } from './get-consumer-list-by-group.handler.js';
import { GetEarliestMsgStoretimeHandler } from './get-earliest-msg-storetime.handler.js';
import { GetMaxOffsetHandler } from './get-max-offset.handler.js';
import { GetMinOffsetHandler } from './get-min-offset.handler.js';
import { GetSubscriptiongroupConfigHandler } from './get-subscriptiongroup-config.handler.js';
import { GetTopicConfigHandler } from './get-topic-config.handler.js';
import { HeartBeatHandler } from './heart-beat.handler.js';
import { LockBatchMqHandler } from './lock-batch-mq.handler.js';
import { NotifyMinBrokerIdChangeHandler } from './notify-min-broker-id-change.handler.js';
import { POP_HANDLERS } from './pop/index.js';
import { PullMessageHandler } from './pull-message.handler.js';
import { QueryConsumerOffsetHandler } from './query-consumer-offset.handler.js';
import { QueryMessageHandler } from './query-message.handler.js';
import { RecallMessageHandler } from './recall-message.handler.js';
import { SearchOffsetByTimestampHandler } from './search-offset-by-timestamp.handler.js';
import { SendBatchMessageHandler } from './send-batch-message.handler.js';
import { SendMessageHandler } from './send-message.handler.js';
import { SendReplyMessageHandler } from './send-reply-message.handler.js';
import { UnlockBatchMqHandler } from './unlock-batch-mq.handler.js';
import { UnregisterClientHandler } from './unregister-client.handler.js';
import { UpdateAndCreateSubscriptiongroupListHandler } from './update-and-create-subscriptiongroup-list.handler.js';
import { UpdateAndCreateSubscriptiongroupHandler } from './update-and-create-subscriptiongroup.handler.js';
import { UpdateAndCreateTopicListHandler } from './update-and-create-topic-list.handler.js';
import { UpdateAndCreateTopicHandler } from './update-and-create-topic.handler.js';
import { UpdateConsumerOffsetHandler } from './update-consumer-offset.handler.js';
import { ViewMessageByIdHandler } from './view-message-by-id.handler.js';

/** Every request code that the broker serves has its handler here; other codes are answered REQUEST_CODE_NOT_SUPPORTED. */
export const BROKER_HANDLERS: readonly Type[] = [
  ...ADMIN_HANDLERS,
  ...POP_HANDLERS,
  CheckClientConfigHandler,
  ConsumerSendMsgBackHandler,
  DeleteSubscriptiongroupHandler,
  DeleteTopicInBrokerHandler,
  EndTransactionHandler,
  GetAllConsumerOffsetHandler,
  GetAllDelayOffsetHandler,
  GetAllSubscriptiongroupConfigHandler,
  GetAllTopicConfigHandler,
  GetConsumerListByGroupHandler,
  GetEarliestMsgStoretimeHandler,
  GetMaxOffsetHandler,
  GetMinOffsetHandler,
  GetSubscriptiongroupConfigHandler,
  GetTopicConfigHandler,
  HeartBeatHandler,
  LockBatchMqHandler,
  NotifyMinBrokerIdChangeHandler,
  PullMessageHandler,
  QueryConsumerOffsetHandler,
  QueryMessageHandler,
  RecallMessageHandler,
  SearchOffsetByTimestampHandler,
  SendBatchMessageHandler,
  SendMessageHandler,
  SendReplyMessageHandler,
  UnlockBatchMqHandler,
  UnregisterClientHandler,
  UpdateAndCreateSubscriptiongroupListHandler,
  UpdateAndCreateSubscriptiongroupHandler,
  UpdateAndCreateTopicListHandler,
  UpdateAndCreateTopicHandler,
  UpdateConsumerOffsetHandler,
  ViewMessageByIdHandler,
];
