import { consumerOffsetEntity } from './consumer-offset.entity.js';
import { consumerOrderInfoEntity } from './consumer-order-info.entity.js';
import { dataVersionEntity } from './data-version.entity.js';
import { delayOffsetEntity } from './delay-offset.entity.js';
import { messageRequestModeEntity } from './message-request-mode.entity.js';
import { subscriptionGroupEntity } from './subscription-group.entity.js';
import { topicConfigEntity } from './topic-config.entity.js';

export const metadataEntities = [
  topicConfigEntity,
  subscriptionGroupEntity,
  consumerOffsetEntity,
  delayOffsetEntity,
  dataVersionEntity,
  messageRequestModeEntity,
  consumerOrderInfoEntity,
];

export { consumerOffsetEntity, type ConsumerOffsetRow } from './consumer-offset.entity.js';
export { consumerOrderInfoEntity } from './consumer-order-info.entity.js';
export { dataVersionEntity, type DataVersionRow, type VersionedTable } from './data-version.entity.js';
export { delayOffsetEntity, type DelayOffsetRow } from './delay-offset.entity.js';
export { messageRequestModeEntity } from './message-request-mode.entity.js';
export {
  subscriptionGroupEntity,
  subscriptionGroupFromRow,
  subscriptionGroupToRow,
  type SubscriptionGroupRow,
} from './subscription-group.entity.js';
export { topicConfigEntity, topicConfigFromRow, topicConfigToRow, type TopicConfigRow } from './topic-config.entity.js';
