import { MQClientError, MQClientErrorCode } from '../errors.js';
import type { ClientInstance } from '../instance/client-instance.js';
import type { ConsumerApi } from './consumer-api.js';

/**
 * Client ids of a group's members as a broker of the topic knows them. The broker is told of us first when it does not know us, since a list
 * without us would take every queue away (RocketMQ: `MQClientInstance.findConsumerIdList`).
 *
 * @throws MQClientError BROKER_NOT_FOUND as long as no broker of the topic is known.
 */
export async function membersOfGroup(
  instance: Pick<ClientInstance, 'brokers' | 'heartbeats' | 'routes' | 'clientId'>,
  api: Pick<ConsumerApi, 'consumerIds'>,
  group: string,
  topic: string,
): Promise<string[]> {
  const { brokers, heartbeats, routes } = instance;
  const names = routes.route(topic)?.brokerDatas.map((broker) => broker.brokerName) ?? [];
  const broker = names.length > 0 ? brokers.find(names[Math.floor(Math.random() * names.length)]) : undefined;
  if (!broker) throw new MQClientError(MQClientErrorCode.BROKER_NOT_FOUND, `no broker of topic ${topic} is known`);
  const members = await api.consumerIds(broker.address, group);
  if (members.includes(instance.clientId)) return members;
  await heartbeats.sendTo(broker.address);
  return api.consumerIds(broker.address, group);
}
