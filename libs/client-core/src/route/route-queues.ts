import {
  compareMessageQueues,
  isReadable,
  isWriteable,
  MASTER_ID,
  type MessageQueue,
  type TopicRouteData,
} from '@rocknest/protocol';

/** More queues than a topic has; a route that claims more is not believed, because a list is made of them. */
const MAX_QUEUES = 65_536;

function pushQueues(queues: MessageQueue[], topic: string, brokerName: string, count: number): void {
  const room = MAX_QUEUES - queues.length;
  for (let queueId = 0; queueId < Math.min(count, room); queueId++) queues.push({ topic, brokerName, queueId });
}

/**
 * The queues that may be written: those of brokers with write permission and a master, by broker name; or the list of
 * `orderTopicConf` (`broker:count;...`) in its order, which is what makes an order topic keep its queues when a broker goes
 * (`MQClientInstance.topicRouteData2TopicPublishInfo`).
 */
export function publishQueuesOf(topic: string, route: TopicRouteData): MessageQueue[] {
  const queues: MessageQueue[] = [];
  if (route.orderTopicConf) {
    for (const part of route.orderTopicConf.split(';')) {
      const [brokerName, count] = part.split(':');
      if (brokerName && Number(count) > 0) pushQueues(queues, topic, brokerName, Number(count));
    }
    return queues;
  }
  const withMaster = new Set(
    route.brokerDatas.filter((broker) => broker.brokerAddrs.has(MASTER_ID)).map((broker) => broker.brokerName),
  );
  const writable = route.queueDatas
    .filter((data) => isWriteable(data.perm) && withMaster.has(data.brokerName))
    .sort((a, b) => (a.brokerName < b.brokerName ? -1 : a.brokerName > b.brokerName ? 1 : 0));
  for (const data of writable) pushQueues(queues, topic, data.brokerName, data.writeQueueNums);
  return queues;
}

/** The queues that may be read, sorted; a broker without a master counts too (`topicRouteData2TopicSubscribeInfo`). */
export function subscribeQueuesOf(topic: string, route: TopicRouteData): MessageQueue[] {
  const queues: MessageQueue[] = [];
  for (const data of route.queueDatas) {
    if (isReadable(data.perm)) pushQueues(queues, topic, data.brokerName, data.readQueueNums);
  }
  return queues.sort(compareMessageQueues);
}

/**
 * What the route of the default topic means for a topic that does not exist yet: each broker would create it with
 * min(`queueNums`, queues of the default topic) queues.
 */
export function routeOfNewTopic(defaultRoute: TopicRouteData, queueNums: number): TopicRouteData {
  return {
    ...defaultRoute,
    queueDatas: defaultRoute.queueDatas.map((data) => {
      const count = Math.min(queueNums, data.readQueueNums);
      return { ...data, readQueueNums: count, writeQueueNums: count };
    }),
  };
}

/** A text that is equal for two routes that mean the same, in whatever order the namesrv listed their parts. */
export function routeFingerprint(route: TopicRouteData): string {
  const queues = route.queueDatas
    .map((data) => `${data.brokerName} ${data.readQueueNums} ${data.writeQueueNums} ${data.perm} ${data.topicSysFlag}`)
    .sort();
  const brokers = route.brokerDatas
    .map((broker) => {
      const addresses = [...broker.brokerAddrs].sort(([a], [b]) => a - b);
      return `${broker.cluster} ${broker.brokerName} ${JSON.stringify(addresses)}`;
    })
    .sort();
  return [route.orderTopicConf ?? '', ...queues, '', ...brokers].join('\n');
}
