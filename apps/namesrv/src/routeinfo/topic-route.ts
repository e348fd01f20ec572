import { isWriteable, MASTER_ID, type BrokerData, type QueueData, type TopicRouteData } from '@rocknest/protocol';
import { SYNC_BROKER_MEMBER_GROUP_PREFIX } from '../defaults.js';
import { addressKey } from './broker-identity.js';
import { minBrokerId, type BrokerGroup, type RouteTables } from './route-tables.js';

/**
 * Where the queues of a topic are; undefined when no broker that is there has it.
 *
 * Follows `pickupTopicRouteData` of `namesrv/routeinfo/RouteInfoManager.java`.
 *
 * @param supportActingMaster a group without master presents its smallest id in its place.
 */
export function pickTopicRoute(
  tables: RouteTables,
  topic: string,
  supportActingMaster: boolean,
): TopicRouteData | undefined {
  const queues = tables.topicQueues.get(topic);
  if (queues === undefined) return undefined;
  const actingMasters = supportActingMaster && !topic.startsWith(SYNC_BROKER_MEMBER_GROUP_PREFIX);
  const queueDatas: QueueData[] = [];
  const brokerDatas: BrokerData[] = [];
  const filterServerTable: Record<string, string[]> = {};
  for (const data of queues.values()) {
    queueDatas.push(data);
    const group = tables.brokers.get(data.brokerName);
    if (group === undefined) continue;
    const isActing = actingMasters && group.enableActingMaster && !isWriteable(data.perm);
    brokerDatas.push(brokerDataOf(group, isActing ? withActingMaster(group) : group.brokerAddrs));
    for (const addr of group.brokerAddrs.values()) {
      const servers = tables.filterServers.get(addressKey(group.cluster, addr));
      if (servers !== undefined) filterServerTable[addr] = [...servers];
    }
  }
  if (brokerDatas.length === 0) return undefined;
  const mappings = tables.queueMappings.get(topic);
  return {
    queueDatas,
    brokerDatas,
    filterServerTable,
    ...(mappings && { topicQueueMappingByBroker: Object.fromEntries(mappings) }),
  };
}

export function brokerDataOf(
  group: BrokerGroup,
  brokerAddrs: ReadonlyMap<number, string> = group.brokerAddrs,
): BrokerData {
  const { cluster, brokerName, enableActingMaster, zoneName } = group;
  return { cluster, brokerName, brokerAddrs, enableActingMaster, ...(zoneName !== undefined && { zoneName }) };
}

function withActingMaster(group: BrokerGroup): ReadonlyMap<number, string> {
  const min = minBrokerId(group);
  if (min === undefined || min === MASTER_ID) return group.brokerAddrs;
  const addrs = new Map(group.brokerAddrs);
  const acting = addrs.get(min) ?? '';
  addrs.delete(min);
  addrs.set(MASTER_ID, acting);
  return addrs;
}

/**
 * The part of a route that a client of one zone should use: the groups of its zone, and those without a master (to be read from
 * anywhere).
 *
 * Follows `namesrv/route/ZoneRouteRPCHook.java`.
 */
export function filterRouteByZone(route: TopicRouteData, zoneName: string): TopicRouteData {
  const zone = zoneName.toLowerCase();
  const kept: BrokerData[] = [];
  const removedNames = new Set<string>();
  const removedAddrs = new Set<string>();
  for (const broker of route.brokerDatas) {
    if (!broker.brokerAddrs.has(MASTER_ID) || broker.zoneName?.toLowerCase() === zone) {
      kept.push(broker);
      continue;
    }
    removedNames.add(broker.brokerName);
    for (const addr of broker.brokerAddrs.values()) removedAddrs.add(addr);
  }
  return {
    ...route,
    brokerDatas: kept,
    queueDatas: route.queueDatas.filter(({ brokerName }) => !removedNames.has(brokerName)),
    filterServerTable: Object.fromEntries(
      Object.entries(route.filterServerTable).filter(([addr]) => !removedAddrs.has(addr)),
    ),
  };
}
