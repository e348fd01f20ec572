import type { MessageQueue } from '@rocknest/protocol';
import { MQClientError, MQClientErrorCode } from '../errors.js';
import type { ClientInstance } from '../instance/client-instance.js';

/**
 * The queues of a topic that may be read, asked of a namesrv now (RocketMQ: `MQAdminImpl.fetchSubscribeMessageQueues`).
 *
 * @throws MQClientError NO_ROUTE when no namesrv knows the topic, NAMESRV_UNREACHABLE.
 */
export async function fetchSubscribeQueues(
  { routes }: Pick<ClientInstance, 'routes'>,
  topic: string,
): Promise<MessageQueue[]> {
  await routes.refresh(topic);
  const queues = routes.subscribeQueues(topic);
  if (queues) return queues.map(({ brokerName, queueId }) => ({ topic, brokerName, queueId }));
  throw new MQClientError(MQClientErrorCode.NO_ROUTE, `no namesrv knows topic "${topic}"`, { details: { topic } });
}
