import type { TopicList } from '@rocknest/protocol';
import type { RouteTables } from './route-tables.js';

/** Bits of a topic's system flag: the topic belongs to a unit, it is subscribed to across units. */
const FLAG_UNIT = 1;
const FLAG_UNIT_SUB = 2;

/** Lists of topics, as `namesrv/routeinfo/RouteInfoManager.java` makes them. */
export function allTopics(tables: RouteTables): TopicList {
  return { topicList: [...tables.topicQueues.keys()] };
}

/** Topics that a group of the cluster has. */
export function topicsOfCluster(tables: RouteTables, clusterName: string): TopicList {
  const brokerNames = tables.clusters.get(clusterName);
  if (brokerNames === undefined) return { topicList: [] };
  const topicList: string[] = [];
  for (const [topic, groups] of tables.topicQueues) {
    for (const brokerName of groups.keys()) {
      if (!brokerNames.has(brokerName)) continue;
      topicList.push(topic);
      break;
    }
  }
  return { topicList };
}

/** Names of clusters and groups, each of which is a topic too, and the address of some broker. */
export function systemTopics(tables: RouteTables): TopicList {
  const names = new Set<string>();
  for (const [cluster, brokerNames] of tables.clusters) {
    names.add(cluster);
    for (const brokerName of brokerNames) names.add(brokerName);
  }
  for (const group of tables.brokers.values()) {
    for (const brokerAddr of group.brokerAddrs.values()) return { topicList: [...names], brokerAddr };
  }
  return { topicList: [...names] };
}

export function unitTopics(tables: RouteTables): TopicList {
  return byFlag(tables, (flag) => (flag & FLAG_UNIT) !== 0);
}

export function unitSubTopics(tables: RouteTables): TopicList {
  return byFlag(tables, (flag) => (flag & FLAG_UNIT_SUB) !== 0);
}

export function unitSubUnunitTopics(tables: RouteTables): TopicList {
  return byFlag(tables, (flag) => (flag & FLAG_UNIT) === 0 && (flag & FLAG_UNIT_SUB) !== 0);
}

/** A topic's flag is that of the first group that has it. */
function byFlag(tables: RouteTables, matches: (topicSysFlag: number) => boolean): TopicList {
  const topicList: string[] = [];
  for (const [topic, groups] of tables.topicQueues) {
    const [first] = groups.values();
    if (first !== undefined && matches(first.topicSysFlag)) topicList.push(topic);
  }
  return { topicList };
}
