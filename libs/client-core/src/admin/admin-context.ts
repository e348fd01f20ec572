import {
  decodeClusterInfo,
  decodeTopicRouteData,
  encodeGetRouteInfoByTopicRequest,
  MASTER_ID,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type ClusterInfo,
  type HeaderFields,
  type TopicRouteData,
} from '@rocknest/protocol';
import { MQBrokerError, MQClientError, MQClientErrorCode } from '../errors.js';
import { call } from '../instance/call.js';
import type { ClientInstance } from '../instance/client-instance.js';
import { invalidArgument } from '../support/check.js';

/** Which brokers an administrative command goes to: a broker's address, a broker group's master, the masters of a cluster, or all masters. */
export type AdminTarget = { address: string } | { brokerName: string } | { cluster: string } | 'all';

/** What the parts of `MQAdmin` have in common: finding brokers, and requests that must succeed. */
export class AdminContext {
  constructor(
    readonly instance: ClientInstance,
    readonly timeoutMs: number,
  ) {}

  request(
    address: string,
    code: number,
    fields: HeaderFields,
    what: string,
    body?: Buffer,
    timeoutMs = this.timeoutMs,
  ): Promise<RemotingCommand> {
    const command = RemotingCommand.request(code, fields, body);
    return call(this.instance.transport, address, command, timeoutMs, what);
  }

  /** To a namesrv that answers. */
  async ask(code: number, fields: HeaderFields, what: string): Promise<RemotingCommand> {
    const { namesrv } = this.instance;
    const response = await namesrv.invoke(() => RemotingCommand.request(code, fields));
    if (response.code !== ResponseCode.SUCCESS) {
      throw new MQBrokerError(what, namesrv.currentAddress, response.code, response.remark);
    }
    return response;
  }

  /** To every namesrv: they know nothing of each other. Rejects with the first failure after all were tried. */
  async tellAll(code: number, fields: HeaderFields, what: string): Promise<void> {
    const { addresses } = this.instance.namesrv;
    const results = await Promise.allSettled(addresses.map((address) => this.request(address, code, fields, what)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async clusterInfo(): Promise<ClusterInfo> {
    const response = await this.ask(RequestCode.GET_BROKER_CLUSTER_INFO, {}, 'cluster info');
    return decodeClusterInfo(response.bodyBuffer);
  }

  /** @throws MQClientError NO_ROUTE. */
  async topicRoute(topic: string): Promise<TopicRouteData> {
    const { namesrv } = this.instance;
    const fields = encodeGetRouteInfoByTopicRequest({ topic, acceptStandardJsonOnly: true });
    const response = await namesrv.invoke(
      () => RemotingCommand.request(RequestCode.GET_ROUTEINFO_BY_TOPIC, fields),
      (answer) => answer.code === ResponseCode.SUCCESS,
    );
    if (response.code === ResponseCode.TOPIC_NOT_EXIST) {
      throw new MQClientError(MQClientErrorCode.NO_ROUTE, `no namesrv knows topic "${topic}"`, { details: { topic } });
    }
    if (response.code !== ResponseCode.SUCCESS) {
      throw new MQBrokerError(`route of ${topic}`, namesrv.currentAddress, response.code, response.remark);
    }
    return decodeTopicRouteData(response.bodyBuffer);
  }

  /** @throws MQClientError BROKER_NOT_FOUND when the target has no master that a namesrv knows. */
  async addressesOf(target: AdminTarget): Promise<string[]> {
    if (target !== 'all' && 'address' in target) return [target.address];
    const { brokerAddrTable, clusterAddrTable } = await this.clusterInfo();
    let names: readonly string[];
    if (target === 'all') names = Object.keys(brokerAddrTable);
    else if ('brokerName' in target) names = [target.brokerName];
    else if ('cluster' in target) names = clusterAddrTable[target.cluster] ?? [];
    else throw invalidArgument('a target is "all", { cluster }, { brokerName } or { address }');
    const addresses = names
      .map((name) => brokerAddrTable[name]?.brokerAddrs.get(MASTER_ID))
      .filter((a) => a !== undefined);
    if (addresses.length > 0) return addresses;
    throw new MQClientError(
      MQClientErrorCode.BROKER_NOT_FOUND,
      `no master for ${JSON.stringify(target)}; known clusters: ${JSON.stringify(clusterAddrTable)}`,
      { retriable: true, details: { target } },
    );
  }

  /** Masters (or, without one, any broker) of a route. */
  addressesOfRoute(route: TopicRouteData): string[] {
    return route.brokerDatas
      .map(({ brokerAddrs }) => brokerAddrs.get(MASTER_ID) ?? [...brokerAddrs.values()][0])
      .filter((address) => address !== undefined);
  }
}
