import { MASTER_ID, PermName } from '@rocknest/protocol';
import { addressKey, type BrokerIdentity } from './broker-identity.js';
import type { MinBrokerIdChange } from './min-broker-id-change.js';
import { minBrokerId, type BrokerConnection, type BrokerGroup, type RouteTables } from './route-tables.js';

/** A broker that leaves: it said so (no connection), or its connection closed or went silent. */
export interface Departure extends BrokerIdentity {
  /** Only if the address is still alive by this connection: a broker that came back meanwhile stays. */
  readonly connection: BrokerConnection | undefined;
}

/**
 * Takes brokers from the tables, many at once: the topics are walked through once for all of them.
 *
 * Follows `unRegisterBroker` of `namesrv/routeinfo/RouteInfoManager.java`.
 *
 * @returns the brokers that were there, and the groups whose smallest id changed and whose members want to know.
 */
export function removeBrokers(
  tables: RouteTables,
  departures: readonly Departure[],
): { left: Departure[]; changes: MinBrokerIdChange[] } {
  const left: Departure[] = [];
  const emptied = new Set<string>();
  const reduced = new Set<BrokerGroup>();
  const changes = new Map<string, MinBrokerIdChange>();
  for (const departure of departures) {
    const { clusterName, brokerName, brokerAddr, brokerId, connection } = departure;
    const key = addressKey(clusterName, brokerAddr);
    if (connection !== undefined && tables.live.get(key)?.connection !== connection) continue;
    if (tables.live.delete(key)) left.push(departure);
    tables.filterServers.delete(key);
    const group = tables.brokers.get(brokerName);
    if (group === undefined) continue;
    const hadMinId = minBrokerId(group) === brokerId;
    for (const [id, addr] of group.brokerAddrs) if (addr === brokerAddr) group.brokerAddrs.delete(id);
    if (group.brokerAddrs.size === 0) {
      emptied.add(brokerName);
      continue;
    }
    reduced.add(group);
    if (hadMinId && group.enableActingMaster) changes.set(brokerName, leave(group, brokerAddr));
  }
  tables.removeGroups(emptied);
  for (const group of reduced) if (tables.brokers.get(group.brokerName) === group) withdrawWrite(tables, group);
  return { left, changes: [...changes.values()].filter(({ brokerName }) => tables.brokers.has(brokerName)) };
}

/** Without its master a group that has an acting one can be read only. */
function withdrawWrite(tables: RouteTables, group: BrokerGroup): void {
  if (!group.enableActingMaster || group.brokerAddrs.has(MASTER_ID)) return;
  for (const groups of tables.topicQueues.values()) {
    const data = groups.get(group.brokerName);
    if (data !== undefined) groups.set(group.brokerName, { ...data, perm: data.perm & ~PermName.WRITE });
  }
}

function leave(group: BrokerGroup, offlineBrokerAddr: string): MinBrokerIdChange {
  const min = minBrokerId(group) ?? MASTER_ID;
  return {
    brokerName: group.brokerName,
    minBrokerId: min,
    minBrokerAddr: group.brokerAddrs.get(min) ?? '',
    offlineBrokerAddr,
    haBrokerAddr: undefined,
    notify: [...group.brokerAddrs.values()],
  };
}
