import {
  bodyCrc32,
  type DataVersion,
  decodeQueryDataVersionResponse,
  encodeBrokerHeartbeatRequest,
  encodeCompressedRegisterBrokerBody,
  encodeDataVersion,
  encodeQueryDataVersionRequest,
  encodeRegisterBrokerBody,
  encodeRegisterBrokerRequest,
  encodeRegisterTopicInNamesrvRequest,
  encodeTopicRouteData,
  encodeUnregisterBrokerRequest,
  PERM_READ_WRITE,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  responseCodeName,
  RocknestError,
  type TopicConfig,
} from '@rocknest/protocol';
import type { TopicConfigManager } from '../metadata/index.js';

export interface BrokerIdentity {
  readonly clusterName: string;
  readonly brokerName: string;
  readonly brokerId: number;
  /** `ip:port` that clients are told. */
  readonly brokerAddress: string;
  /** Of the group's master when it was elected: namesrvs do not let a broker with a lower one take its place. @default 0 */
  readonly stateVersion?: number;
  /** `ip:port` that slaves replicate from. */
  readonly haServerAddress: string;
  /** How long this broker counts as alive without a sign of life, where slaves stand in for their master; undefined: they do not. */
  readonly actingMasterTimeoutMs?: number;
}

/** Bodies above this are sent compressed, so that tens of thousands of topics fit one frame. */
const COMPRESS_ABOVE_BYTES = 4 * 1024 * 1024;

/** Builds what a broker says to its namesrvs: REGISTER_BROKER (103) and UNREGISTER_BROKER (104). */
export class RegistrationMessages {
  constructor(
    private readonly identity: BrokerIdentity,
    private readonly topics: TopicConfigManager,
    private readonly brokerPermission: () => number,
  ) {}

  /** A registration with every topic that there is now. The broker's own permission limits that of each topic. */
  register(): RemotingCommand {
    const wrapper = {
      topicConfigSerializeWrapper: { topicConfigTable: this.topicTable(), dataVersion: this.dataVersion },
      filterServerList: [],
    };
    let body = encodeRegisterBrokerBody(wrapper);
    const compressed = body.length > COMPRESS_ABOVE_BYTES;
    const { actingMasterTimeoutMs } = this.identity;
    if (compressed) body = encodeCompressedRegisterBrokerBody(wrapper);
    const fields = encodeRegisterBrokerRequest({
      brokerName: this.identity.brokerName,
      brokerAddr: this.identity.brokerAddress,
      clusterName: this.identity.clusterName,
      haServerAddr: this.identity.haServerAddress,
      brokerId: this.identity.brokerId,
      ...(actingMasterTimeoutMs === undefined
        ? {}
        : { enableActingMaster: true, heartbeatTimeoutMillis: actingMasterTimeoutMs }),
      compressed,
      bodyCrc32: bodyCrc32(body),
    });
    return RemotingCommand.request(RequestCode.REGISTER_BROKER, fields, body);
  }

  get topicCount(): number {
    return this.topics.all().size;
  }

  /** REGISTER_TOPIC_IN_NAMESRV (217) of one topic as it is now; undefined when it was deleted. Follows `registerSingleTopicAll` of BrokerController.java. */
  registerTopic(topic: string): RemotingCommand | undefined {
    const config = this.topics.get(topic);
    if (config === undefined) return undefined;
    const { readQueueNums, writeQueueNums, topicSysFlag } = config;
    const perm = config.perm & this.brokerPermission();
    const queueData = { brokerName: this.identity.brokerName, readQueueNums, writeQueueNums, perm, topicSysFlag };
    const route = { queueDatas: [queueData], brokerDatas: [], filterServerTable: {} };
    const body = encodeTopicRouteData(route, { standardJson: true });
    return RemotingCommand.request(
      RequestCode.REGISTER_TOPIC_IN_NAMESRV,
      encodeRegisterTopicInNamesrvRequest({ topic }),
      body,
    );
  }

  /** QUERY_DATA_VERSION (322): whether the namesrv knows all topics as they are. It counts as a sign of life, as a registration does. */
  queryVersion(): RemotingCommand {
    const { brokerName, brokerAddress, clusterName, brokerId } = this.identity;
    const fields = encodeQueryDataVersionRequest({ brokerName, brokerAddr: brokerAddress, clusterName, brokerId });
    return RemotingCommand.request(RequestCode.QUERY_DATA_VERSION, fields, encodeDataVersion(this.dataVersion));
  }

  /** Whether the answer to `queryVersion` makes a registration unnecessary. */
  isKnown(response: RemotingCommand): boolean {
    return response.code === ResponseCode.SUCCESS && !decodeQueryDataVersionResponse(response).changed;
  }

  /** BROKER_HEARTBEAT (904): a sign of life, and nothing else. */
  heartbeat(): RemotingCommand {
    const { clusterName, brokerName, brokerAddress, brokerId, actingMasterTimeoutMs } = this.identity;
    const fields = encodeBrokerHeartbeatRequest({
      clusterName,
      brokerName,
      brokerAddr: brokerAddress,
      brokerId,
      heartbeatTimeoutMillis: actingMasterTimeoutMs,
    });
    return RemotingCommand.request(RequestCode.BROKER_HEARTBEAT, fields);
  }

  unregister(): RemotingCommand {
    const fields = encodeUnregisterBrokerRequest({
      brokerName: this.identity.brokerName,
      brokerAddr: this.identity.brokerAddress,
      clusterName: this.identity.clusterName,
      brokerId: this.identity.brokerId,
    });
    return RemotingCommand.request(RequestCode.UNREGISTER_BROKER, fields);
  }

  /** @throws RocknestError when the namesrv refused the registration. */
  checkRegistered(response: RemotingCommand): void {
    if (response.code === ResponseCode.SUCCESS) return;
    throw new RocknestError(
      'BROKER_REGISTRATION_REFUSED',
      `the namesrv answered ${responseCodeName(response.code)}: ${response.remark ?? 'no reason given'}`,
    );
  }

  private get dataVersion(): DataVersion {
    const { stateVersion } = this.identity;
    const { dataVersion } = this.topics;
    return stateVersion === undefined ? dataVersion : { ...dataVersion, stateVersion };
  }

  private topicTable(): Record<string, TopicConfig> {
    const permission = this.brokerPermission();
    if ((permission & PERM_READ_WRITE) === PERM_READ_WRITE) return Object.fromEntries(this.topics.all());
    return Object.fromEntries(
      Array.from(this.topics.all(), ([name, config]) => [name, { ...config, perm: config.perm & permission }]),
    );
  }
}
