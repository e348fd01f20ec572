import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { asObject, entriesOf, objectOf, stringOf } from '../json/json-value.js';
import { readBrokerAddrs, readBrokerData, writeBrokerData, type BrokerData } from './topic-route-data.js';

/** All broker groups and clusters a namesrv knows. Source: `remoting/protocol/body/ClusterInfo.java`. */
export interface ClusterInfo {
  /** broker name -> its group. */
  brokerAddrTable: Readonly<Record<string, BrokerData>>;
  /** cluster -> broker names. */
  clusterAddrTable: Readonly<Record<string, string[]>>;
}

export function decodeClusterInfo(body: Buffer | string): ClusterInfo {
  const object = asObject(parseFastjson(body), 'cluster info');
  return {
    brokerAddrTable: Object.fromEntries(
      entriesOf(object, 'brokerAddrTable').map(([name, data]) => [
        String(name),
        readBrokerData(asObject(data, 'brokerAddrTable')),
      ]),
    ),
    clusterAddrTable: Object.fromEntries(
      entriesOf(object, 'clusterAddrTable').map(([name, brokers]) => [
        String(name),
        Array.isArray(brokers) ? brokers.map(String) : [],
      ]),
    ),
  };
}

/** Always with bare broker ids: this body has no version gate. */
export function encodeClusterInfo(info: ClusterInfo): Buffer {
  return encodeFastjson({
    brokerAddrTable: Object.fromEntries(
      Object.entries(info.brokerAddrTable).map(([name, data]) => [name, writeBrokerData(data)]),
    ),
    clusterAddrTable: info.clusterAddrTable,
  });
}

/** The members of one broker group. Source: `remoting/protocol/body/BrokerMemberGroup.java`. */
export interface BrokerMemberGroup {
  cluster: string;
  brokerName: string;
  brokerAddrs: ReadonlyMap<number, string>;
}

export function decodeBrokerMemberGroup(body: Buffer | string): BrokerMemberGroup {
  const group = objectOf(asObject(parseFastjson(body), 'a broker member group'), 'brokerMemberGroup') ?? {};
  return {
    cluster: stringOf(group, 'cluster', ''),
    brokerName: stringOf(group, 'brokerName', ''),
    brokerAddrs: readBrokerAddrs(group),
  };
}

export function encodeBrokerMemberGroup(group: BrokerMemberGroup): Buffer {
  return encodeFastjson({ brokerMemberGroup: group });
}
