import { Controller } from '@nestjs/common';
import {
  decodeClientConsumerStatus,
  decodeInvokeBrokerToGetConsumerStatusRequest,
  encodeGetConsumerStatusFromClientRequest,
  encodeGroupConsumerStatus,
  MqVersion,
  mqVersionName,
  type QueueEntry,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import type { ClientChannelInfo } from '../../clients/client-channel-info.js';
import { ConsumerManager } from '../../clients/consumer-manager.js';
import { GET_CONSUMER_STATUS_TIMEOUT_MS } from '../../defaults.js';
import { RequestRefusedError } from '../../errors.js';

/**
 * INVOKE_BROKER_TO_GET_CONSUMER_STATUS (223): where the members of a group say they are, each asked by GET_CONSUMER_STATUS_FROM_CLIENT. One that
 * does not answer is left out.
 *
 * Follows `getConsumeStatus` of `broker/client/net/Broker2Client.java`, which asks one after the other.
 */
@Controller()
export class InvokeBrokerToGetConsumerStatusHandler {
  constructor(private readonly consumers: ConsumerManager) {}

  @RequestHandler(RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const { topic, group, clientAddr } = decodeInvokeBrokerToGetConsumerStatusRequest(request);
    const online = [...(this.consumers.get(group)?.channels.values() ?? [])];
    if (online.length === 0) throw refused(`No Any Consumer online in the consumer group: [${group}]`);
    const asked = clientAddr ? online.filter(({ clientId }) => clientId === clientAddr) : online;
    const tooOld = asked.find(({ version }) => version < MqVersion.V3_0_7_SNAPSHOT);
    if (tooOld) throw refused(`the client does not support this feature. version=${mqVersionName(tooOld.version)}`);
    const fields = encodeGetConsumerStatusFromClientRequest({ topic, group });
    const consumerTable = new Map<string, QueueEntry<number>[]>();
    await Promise.all(
      asked.map(async (member) => {
        const table = await statusOf(member, fields);
        if (table !== undefined) consumerTable.set(member.clientId, table);
      }),
    );
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeGroupConsumerStatus({ consumerTable }) });
  }
}

async function statusOf(
  { connection }: ClientChannelInfo,
  fields: ReturnType<typeof encodeGetConsumerStatusFromClientRequest>,
): Promise<QueueEntry<number>[] | undefined> {
  try {
    const command = RemotingCommand.request(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, fields);
    const answer = await connection.request(command, GET_CONSUMER_STATUS_TIMEOUT_MS);
    if (answer.code !== ResponseCode.SUCCESS || answer.bodyBuffer.length === 0) return undefined;
    return decodeClientConsumerStatus(answer.bodyBuffer).messageQueueTable;
  } catch {
    return undefined;
  }
}

function refused(remark: string): RequestRefusedError {
  return new RequestRefusedError(ResponseCode.SYSTEM_ERROR, remark);
}
