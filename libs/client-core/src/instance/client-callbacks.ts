import {
  decodeCheckTransactionStateRequest,
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
  MessageConst,
  ResponseCode,
  type ConsumeMessageDirectlyResult,
  type MessageExt,
} from '@rocknest/protocol';
import { decodeRecords } from '../consumer/pulled-messages.js';
import { arrivedReply } from '../producer/arrived-reply.js';
import { errorText, MQClientError, MQClientErrorCode } from '../errors.js';
import type { ClientInstance } from './client-instance.js';
import type { InstanceConsumer } from './client-members.js';

function noSuchGroup(group: string): RemotingCommand {
  return RemotingCommand.response(ResponseCode.SYSTEM_ERROR, {
    remark: `The Consumer Group <${group}> not exist in this consumer`,
  });
}

/** The first message of the records that a broker sent. @throws ProtocolError when there is none. */
function messageOf(body: Buffer): { message: MessageExt; problem: Error | undefined } {
  let first: { message: MessageExt; problem: Error | undefined } | undefined;
  decodeRecords(body, (message, problem) => (first ??= { message, problem }));
  if (!first) throw new MQClientError(MQClientErrorCode.BAD_RESPONSE, 'the broker sent no message to be consumed');
  return first;
}

function unreadable(problem: Error): ConsumeMessageDirectlyResult {
  const remark = `the body cannot be read: ${problem.message}`;
  return { consumeResult: 'CR_THROW_EXCEPTION', remark, spentTimeMills: 0, order: false, autoCommit: true };
}

/** In place of Java's thread dump: what this process is, holds and waits for. */
function processText(): string {
  const { rss, heapUsed } = process.memoryUsage();
  const resources = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo()) resources.set(name, (resources.get(name) ?? 0) + 1);
  const waits = [...resources].map(([name, count]) => `${name} ${count}`).join(', ');
  return `Node.js ${process.version}, pid ${process.pid}, up ${Math.floor(process.uptime())} s\nmemory: rss ${rss}, heap ${heapUsed} bytes\nwaits for: ${waits}\n`;
}

/** What brokers ask of a client (RocketMQ: `impl/ClientRemotingProcessor.java`; protocol 02 §5). */
export function registerClientCallbacks(instance: ClientInstance): void {
  const { transport, consumers, logger } = instance;
  const consumerOf = (group: string): InstanceConsumer | undefined => consumers.get(group);

  transport.registerHandler(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, (request) => {
    consumerOf(decodeNotifyConsumerIdsChangedRequest(request).consumerGroup)?.rebalanceSoon();
  });

  transport.registerHandler(RequestCode.CHECK_TRANSACTION_STATE, (request, connection) => {
    const header = decodeCheckTransactionStateRequest(request);
    // The check runs later: received bytes are used again.
    const message = decodeMessage(Buffer.from(request.bodyBuffer));
    const group = message.properties[MessageConst.PRODUCER_GROUP] ?? '';
    const producer = instance.producers.get(group);
    if (producer) producer.checkTransactionState?.(message, header, (command) => connection.oneway(command));
    else logger.debug?.(`asked about transaction ${message.msgId} of producer group "${group}", which is not here`);
  });

  transport.registerHandler(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT, (request) => {
    const reply = arrivedReply(request);
    const taken = [...instance.producers.values()].some((producer) => producer.replyArrived?.(reply) ?? false);
    if (!taken) logger.debug?.(`a reply came that nobody waits for: ${reply.properties[MessageConst.CORRELATION_ID]}`);
    return RemotingCommand.response(ResponseCode.SUCCESS);
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
    const { consumerGroup, jstackEnable } = decodeGetConsumerRunningInfoRequest(request);
    const consumer = consumerOf(consumerGroup);
    if (!consumer) return noSuchGroup(consumerGroup);
    const info = { ...consumer.runningInfo(), ...(jstackEnable && { jstack: processText() }) };
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeConsumerRunningInfo(info) });
  });

  transport.registerHandler(RequestCode.CONSUME_MESSAGE_DIRECTLY, async (request) => {
    const { consumerGroup, brokerName } = decodeConsumeMessageDirectlyRequest(request);
    const consumer = consumerOf(consumerGroup);
    if (!consumer) return noSuchGroup(consumerGroup);
    const { message, problem } = messageOf(request.bodyBuffer);
    if (brokerName) message.brokerName = brokerName;
    const result = problem ? unreadable(problem) : await consumer.consumeDirectly(message, brokerName);
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeConsumeMessageDirectlyResult(result) });
  });
}
