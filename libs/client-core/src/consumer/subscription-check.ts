import {
  encodeCheckClientRequestBody,
  ExpressionType,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type SubscriptionData,
} from '@rocknest/protocol';
import { errorText, MQBrokerError, MQClientError, MQClientErrorCode } from '../errors.js';
import { call } from '../instance/call.js';
import type { ClientInstance } from '../instance/client-instance.js';

/** What the check needs of a client instance. */
export type CheckInstance = Pick<
  ClientInstance,
  'transport' | 'brokers' | 'routes' | 'options' | 'clientId' | 'logger'
>;

/**
 * Asks the brokers of each topic that is filtered by more than tags whether they can: otherwise the consumer would start and get nothing.
 * Topics without a route are left out, and a broker that does not answer is only logged (RocketMQ: `MQClientInstance.checkClientInBroker`,
 * which asks one broker of a topic).
 *
 * @throws MQClientError SUBSCRIPTION_REFUSED with the broker's reason.
 */
export async function checkSubscriptions(
  instance: CheckInstance,
  group: string,
  subscriptions: readonly SubscriptionData[],
): Promise<void> {
  const filtered = subscriptions.filter(({ expressionType }) => expressionType !== ExpressionType.TAG);
  await Promise.all(
    filtered.flatMap((subscription) =>
      brokersOf(instance, subscription.topic).map((address) => checkAt(address, instance, group, subscription)),
    ),
  );
}

function brokersOf({ routes, brokers }: CheckInstance, topic: string): string[] {
  const names = routes.route(topic)?.brokerDatas.map((broker) => broker.brokerName) ?? [];
  return names.flatMap((name) => brokers.find(name)?.address ?? []);
}

async function checkAt(
  address: string,
  { transport, options, clientId, logger }: CheckInstance,
  group: string,
  subscriptionData: SubscriptionData,
): Promise<void> {
  const { topic, expressionType, subString } = subscriptionData;
  const body = encodeCheckClientRequestBody({ clientId, group, subscriptionData });
  const command = RemotingCommand.request(RequestCode.CHECK_CLIENT_CONFIG, {}, body);
  try {
    await call(transport, address, command, options.mqClientApiTimeoutMs, `check of the subscription of ${topic}`);
  } catch (error) {
    if (!(error instanceof MQBrokerError)) {
      logger.warn(
        `group ${group}: broker ${address} was not asked whether it can filter ${topic}: ${errorText(error)}`,
      );
      return;
    }
    throw new MQClientError(
      MQClientErrorCode.SUBSCRIPTION_REFUSED,
      `broker ${address} refuses the ${expressionType} subscription of group ${group} to topic ${topic} (${subString}): ${error.remark}${hintOf(error)}`,
      { cause: error, details: { topic, group, address, responseCode: error.responseCode } },
    );
  }
}

function hintOf({ responseCode }: MQBrokerError): string {
  switch (responseCode) {
    case ResponseCode.SYSTEM_ERROR:
      return '; set enablePropertyFilter=true in the configuration of the broker, or filter by tags';
    case ResponseCode.REQUEST_CODE_NOT_SUPPORTED:
      return '; the broker is too old for it: filter by tags';
    default:
      return '';
  }
}
