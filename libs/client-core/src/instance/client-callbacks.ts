import {
  decodeConsumeMessageDirectlyRequest,
  decodeGetConsumerRunningInfoRequest,
  decodeGetConsumerStatusFromClientRequest,
  decodeMessage,
  decodeNotifyConsumerIdsChangedRequest,
  decodeResetConsumerClientOffsetRequest,
  decodeResetOffsetBody,
  encodeClientConsumerStatus,
  encodeConsumeMessageDirectlyResult,
  encodeConsumerRunningInfo,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { errorText } from '../errors.js';
import type { ClientInstance } from './client-instance.js';
import type { InstanceConsumer } from './client-members.js';

function noSuchGroup(group: string): RemotingCommand {
  return RemotingCommand.response(ResponseCode.SYSTEM_ERROR, {
    remark: `The Consumer Group <${group}> not exist in this consumer`,
  });
}

/** What brokers ask of a client (RocketMQ: `impl/ClientRemotingProcessor.java`; protocol 02 §5). */
export function registerClientCallbacks(instance: ClientInstance): void {
  const { transport, consumers, logger } = instance;
  const consumerOf = (group: string): InstanceConsumer | undefined => consumers.get(group);

  transport.registerHandler(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, (request) => {
    consumerOf(decodeNotifyConsumerIdsChangedRequest(request).consumerGroup)?.rebalanceSoon();
  });

  transport.registerHandler(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, (request) => {
    const { topic, group } = decodeResetConsumerClientOffsetRequest(request);
    const { offsetTable } = decodeResetOffsetBody(request.bodyBuffer);
    logger.log(`offsets of group ${group}, topic ${topic} are reset for ${offsetTable.length} queues`);
    const offsets = offsetTable.map(({ queue, value }) => [queue, value] as const);
    consumerOf(group)
      ?.resetOffsets(topic, offsets)
      .catch((error: unknown) => logger.warn(`offsets of group ${group} not reset: ${errorText(error)}`));
  });

  transport.registerHandler(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, (request) => {
    const { topic, group } = decodeGetConsumerStatusFromClientRequest(request);
    const consumer = consumerOf(group);
    if (!consumer) return noSuchGroup(group);
    const messageQueueTable = consumer.consumerStatus(topic).map(([queue, value]) => ({ queue, value }));
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeClientConsumerStatus({ messageQueueTable }) });
  });

  transport.registerHandler(RequestCode.GET_CONSUMER_RUNNING_INFO, (request) => {
    const { consumerGroup } = decodeGetConsumerRunningInfoRequest(request);
    const consumer = consumerOf(consumerGroup);
    if (!consumer) return noSuchGroup(consumerGroup);
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeConsumerRunningInfo(consumer.runningInfo()) });
  });

  transport.registerHandler(RequestCode.CONSUME_MESSAGE_DIRECTLY, async (request) => {
    const { consumerGroup, brokerName } = decodeConsumeMessageDirectlyRequest(request);
    const consumer = consumerOf(consumerGroup);
    if (!consumer) return noSuchGroup(consumerGroup);
    const result = await consumer.consumeDirectly(decodeMessage(request.bodyBuffer), brokerName);
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeConsumeMessageDirectlyResult(result) });
  });
}
