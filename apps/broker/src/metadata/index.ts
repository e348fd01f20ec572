export { ConsumerOffsetManager } from './consumer-offset-manager.js';
export {
  ConsumerOrderInfoTable,
  orderInfoStateOf,
  type OrderInfoEntry,
  type OrderInfoState,
} from './consumer-order-info-table.js';
export { DelayOffsetManager } from './delay-offset-manager.js';
export { MessageRequestModeManager } from './message-request-mode-manager.js';
export { MetadataError, type MetadataErrorCode } from './metadata-error.js';
export type { MetadataLogger } from './metadata-logger.js';
export {
  brokerKeysOf,
  checkCommittedOffset,
  checkGroupConfig,
  checkOrderInfo,
  checkRequestMode,
  checkTopicConfig,
  hasNoRows,
  type CommittedOffset,
  type MetadataSnapshot,
} from './metadata-snapshot.js';
export {
  metadataFile,
  openMetadata,
  openMetadataDatabase,
  type Metadata,
  type MetadataOptions,
  type MetadataSeed,
} from './open-metadata.js';
export { SubscriptionGroupManager } from './subscription-group-manager.js';
export { TopicConfigManager } from './topic-config-manager.js';
