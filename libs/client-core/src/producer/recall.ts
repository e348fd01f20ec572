import {
  decodeRecallHandle,
  decodeRecallMessageResponse,
  DLQ_GROUP_TOPIC_PREFIX,
  encodeRecallMessageRequest,
  ProtocolError,
  type RecallHandle,
  RemotingCommand,
  RequestCode,
  RETRY_GROUP_TOPIC_PREFIX,
} from '@rocknest/protocol';
import { MQClientError, MQClientErrorCode } from '../errors.js';
import { call } from '../instance/call.js';
import type { ClientInstance } from '../instance/client-instance.js';
import { invalidArgument } from '../support/check.js';
import type { ClientTelemetry } from '../telemetry/client-telemetry.js';
import { SpanKind } from '../telemetry/telemetry-api.js';
import { checkSendTopic } from './outgoing-message.js';

export interface RecallCall {
  readonly group: string;
  readonly topic: string;
  readonly recallHandle: string;
  readonly timeoutMs: number;
  readonly telemetry: ClientTelemetry | undefined;
}

const RECALL = { name: 'recall', kind: SpanKind.CLIENT } as const;

/**
 * Asks the broker that holds a timer message not to deliver it. Follows `recallMessage` of `client/impl/producer/DefaultMQProducerImpl.java`.
 *
 * @returns UNIQ_KEY of the message.
 * @throws MQClientError INVALID_ARGUMENT for a handle or topic that can't be, BROKER_NOT_FOUND, NO_ROUTE, TIMEOUT, CONNECTION_FAILED; MQBrokerError for what the broker refused.
 */
export async function recallMessage(instance: ClientInstance, recall: RecallCall): Promise<string> {
  const { telemetry, topic } = recall;
  const run = (): Promise<string> => recallNow(instance, recall);
  return telemetry ? telemetry.around(RECALL, topic, {}, {}, run) : run();
}

async function recallNow(
  instance: ClientInstance,
  { group, topic, recallHandle, timeoutMs }: RecallCall,
): Promise<string> {
  checkSendTopic(topic);
  if (topic.startsWith(RETRY_GROUP_TOPIC_PREFIX) || topic.startsWith(DLQ_GROUP_TOPIC_PREFIX)) {
    throw invalidArgument(`messages of topic ${topic} can't be recalled`);
  }
  const { brokerName } = handleOf(recallHandle);
  await instance.routes.findPublishInfo(topic);
  const address = instance.brokers.master(brokerName);
  if (address === undefined) {
    throw new MQClientError(MQClientErrorCode.BROKER_NOT_FOUND, `no master of broker ${brokerName} is known`, {
      retriable: true,
    });
  }
  const fields = encodeRecallMessageRequest({ producerGroup: group, topic, recallHandle, bname: brokerName });
  const command = RemotingCommand.request(RequestCode.RECALL_MESSAGE, fields);
  const response = await call(instance.transport, address, command, timeoutMs, `recall of a message to ${topic}`);
  return decodeRecallMessageResponse(response).msgId;
}

function handleOf(text: string): RecallHandle {
  try {
    return decodeRecallHandle(text);
  } catch (error) {
    if (error instanceof ProtocolError) {
      throw invalidArgument(
        `"${text.slice(0, 64)}" is no recall handle; it is the recallHandle of the SendResult of a timer message`,
      );
    }
    throw error;
  }
}
