import { AddWritePermOfBrokerHandler } from './add-write-perm-of-broker.handler.js';
import { BrokerHeartbeatHandler } from './broker-heartbeat.handler.js';
import { DeleteKvConfigHandler } from './delete-kv-config.handler.js';
import { DeleteTopicInNamesrvHandler } from './delete-topic-in-namesrv.handler.js';
import { GetAllTopicListFromNameserverHandler } from './get-all-topic-list-from-nameserver.handler.js';
import { GetBrokerClusterInfoHandler } from './get-broker-cluster-info.handler.js';
import { GetBrokerMemberGroupHandler } from './get-broker-member-group.handler.js';
import { GetHasUnitSubTopicListHandler } from './get-has-unit-sub-topic-list.handler.js';
import { GetHasUnitSubUnunitTopicListHandler } from './get-has-unit-sub-ununit-topic-list.handler.js';
import { GetKvConfigHandler } from './get-kv-config.handler.js';
import { GetKvListByNamespaceHandler } from './get-kvlist-by-namespace.handler.js';
import { GetNamesrvConfigHandler } from './get-namesrv-config.handler.js';
import { GetRouteInfoByTopicHandler } from './get-routeinfo-by-topic.handler.js';
import { GetSystemTopicListFromNsHandler } from './get-system-topic-list-from-ns.handler.js';
import { GetTopicsByClusterHandler } from './get-topics-by-cluster.handler.js';
import { GetUnitTopicListHandler } from './get-unit-topic-list.handler.js';
import { PutKvConfigHandler } from './put-kv-config.handler.js';
import { QueryDataVersionHandler } from './query-data-version.handler.js';
import { RegisterBrokerHandler } from './register-broker.handler.js';
import { RegisterTopicInNamesrvHandler } from './register-topic-in-namesrv.handler.js';
import { UnregisterBrokerHandler } from './unregister-broker.handler.js';
import { UpdateNamesrvConfigHandler } from './update-namesrv-config.handler.js';
import { WipeWritePermOfBrokerHandler } from './wipe-write-perm-of-broker.handler.js';

/** Every request that a namesrv serves. Other codes are answered with REQUEST_CODE_NOT_SUPPORTED. */
export const NAMESRV_HANDLERS = [
  // clients
  GetRouteInfoByTopicHandler, // 105

  // brokers
  RegisterBrokerHandler, // 103
  UnregisterBrokerHandler, // 104
  QueryDataVersionHandler, // 322
  BrokerHeartbeatHandler, // 904
  GetBrokerMemberGroupHandler, // 901

  // administration: brokers and topics
  GetBrokerClusterInfoHandler, // 106
  WipeWritePermOfBrokerHandler, // 205
  AddWritePermOfBrokerHandler, // 327
  DeleteTopicInNamesrvHandler, // 216
  RegisterTopicInNamesrvHandler, // 217

  // administration: lists of topics
  GetAllTopicListFromNameserverHandler, // 206
  GetTopicsByClusterHandler, // 224
  GetSystemTopicListFromNsHandler, // 304
  GetUnitTopicListHandler, // 311
  GetHasUnitSubTopicListHandler, // 312
  GetHasUnitSubUnunitTopicListHandler, // 313

  // administration: KV configuration and settings
  PutKvConfigHandler, // 100
  GetKvConfigHandler, // 101
  DeleteKvConfigHandler, // 102
  GetKvListByNamespaceHandler, // 219
  UpdateNamesrvConfigHandler, // 318
  GetNamesrvConfigHandler, // 319
] as const;
