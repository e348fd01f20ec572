import {
  encodeCompressedRegisterBrokerBody,
  encodeRegisterBrokerBody,
  encodeRegisterBrokerRequest,
  RemotingCommand,
  RequestCode,
  type DataVersion,
  type HeaderFields,
  type RegisterBrokerRequest,
  type TopicConfig,
} from '@rocknest/protocol';
import { RemotingClient } from '@rocknest/remoting';

const TIMEOUT_MS = 10_000;

export interface Registration extends Partial<RegisterBrokerRequest> {
  readonly topics?: readonly (string | TopicConfig)[];
  readonly dataVersion?: DataVersion;
  readonly filterServers?: string[];
  /** Send the compressed body. */
  readonly deflate?: boolean;
  readonly version?: number;
  readonly zoneName?: string;
}

/** For tests: what a broker or a client says to a namesrv, on a connection of its own. */
export class NamesrvPeer {
  private readonly client = new RemotingClient();

  constructor(readonly address: string) {}

  send(code: number, fields: HeaderFields = {}, body?: Buffer, version?: number): Promise<RemotingCommand> {
    const command = RemotingCommand.request(code, fields, body);
    if (version !== undefined) command.version = version;
    return this.client.invoke(this.address, command, TIMEOUT_MS);
  }

  /** Registers `127.0.0.1:10911` as the master of `broker-a` with the topics `t1` and `t2`, unless told otherwise. */
  register(registration: Registration = {}): Promise<RemotingCommand> {
    const { topics = ['t1', 't2'], dataVersion = { stateVersion: 0, timestamp: 1, counter: 1 } } = registration;
    const { filterServers = [], deflate = false, version, zoneName, ...header } = registration;
    const configs = topics.map((topic) => (typeof topic === 'string' ? topicConfig(topic) : topic));
    const body = {
      topicConfigSerializeWrapper: {
        topicConfigTable: Object.fromEntries(configs.map((config) => [config.topicName, config])),
        dataVersion,
      },
      filterServerList: filterServers,
    };
    const fields = encodeRegisterBrokerRequest({
      brokerName: 'broker-a',
      brokerAddr: '127.0.0.1:10911',
      clusterName: 'c',
      haServerAddr: '127.0.0.1:10912',
      brokerId: 0,
      compressed: false,
      bodyCrc32: 0,
      ...pickHeader(header),
    });
    const bytes = deflate ? encodeCompressedRegisterBrokerBody(body) : encodeRegisterBrokerBody(body);
    return this.send(RequestCode.REGISTER_BROKER, { ...fields, __ZONE_NAME: zoneName }, bytes, version);
  }

  route(topic: string, fields: HeaderFields = {}, version?: number): Promise<RemotingCommand> {
    return this.send(RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic, ...fields }, undefined, version);
  }

  /** Disconnects, as a process does that ends. */
  close(): Promise<void> {
    return this.client.close();
  }
}

export function topicConfig(topicName: string, fields: Partial<TopicConfig> = {}): TopicConfig {
  return {
    topicName,
    readQueueNums: 8,
    writeQueueNums: 8,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
    ...fields,
  };
}

function pickHeader(registration: Registration): Partial<RegisterBrokerRequest> {
  const { topics: _topics, dataVersion: _version, ...header } = registration;
  return header;
}
