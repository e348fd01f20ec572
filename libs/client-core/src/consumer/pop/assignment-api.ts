import {
  decodeQueryAssignmentResponseBody,
  encodeQueryAssignmentRequestBody,
  encodeSetMessageRequestModeRequestBody,
  MASTER_ID,
  RemotingCommand,
  RequestCode,
  type MessageQueueAssignment,
  type SetMessageRequestModeRequestBody,
} from '@rocknest/protocol';
import { MQClientError, MQClientErrorCode } from '../../errors.js';
import { call } from '../../instance/call.js';
import type { ClientInstance } from '../../instance/client-instance.js';

export type AssignmentInstance = Pick<ClientInstance, 'transport' | 'brokers' | 'routes' | 'options' | 'clientId'>;

/** Which queues brokers give to a member, and whether by pulls or pops (RocketMQ: `MQClientAPIImpl.queryAssignment`). */
export class AssignmentApi {
  constructor(private readonly instance: AssignmentInstance) {}

  /**
   * What a broker of the topic gives to this member.
   *
   * @returns undefined when the broker could not find out: what the member has stays.
   * @throws MQBrokerError with REQUEST_CODE_NOT_SUPPORTED of brokers before 5.0; MQClientError BROKER_NOT_FOUND.
   */
  async query(
    group: string,
    topic: string,
    strategyName: string,
  ): Promise<readonly MessageQueueAssignment[] | undefined> {
    const names = this.brokersOf(topic);
    const broker =
      names.length > 0 ? this.instance.brokers.find(names[Math.floor(Math.random() * names.length)]) : undefined;
    if (!broker) throw new MQClientError(MQClientErrorCode.BROKER_NOT_FOUND, `no broker of topic ${topic} is known`);
    const body = encodeQueryAssignmentRequestBody({
      topic,
      consumerGroup: group,
      clientId: this.instance.clientId,
      strategyName,
      messageModel: 'CLUSTERING',
    });
    const command = RemotingCommand.request(RequestCode.QUERY_ASSIGNMENT, {}, body);
    const response = await this.call(broker.address, command, `assignment of ${topic} to group ${group}`);
    return decodeQueryAssignmentResponseBody(response.bodyBuffer).messageQueueAssignments;
  }

  /** Tells every master of the topic how the group gets its messages. Rejects with the first refusal after all were told. */
  async setMode(mode: SetMessageRequestModeRequestBody): Promise<void> {
    const body = encodeSetMessageRequestModeRequestBody(mode);
    const what = `request mode ${mode.mode} of ${mode.topic} for group ${mode.consumerGroup}`;
    const results = await Promise.allSettled(
      this.brokersOf(mode.topic).map(async (name) => {
        const master = this.instance.brokers.find(name, MASTER_ID, true);
        if (!master) return;
        await this.call(master.address, RemotingCommand.request(RequestCode.SET_MESSAGE_REQUEST_MODE, {}, body), what);
      }),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  private brokersOf(topic: string): string[] {
    return this.instance.routes.route(topic)?.brokerDatas.map((broker) => broker.brokerName) ?? [];
  }

  private call(address: string, command: RemotingCommand, what: string): Promise<RemotingCommand> {
    return call(this.instance.transport, address, command, this.instance.options.mqClientApiTimeoutMs, what);
  }
}
