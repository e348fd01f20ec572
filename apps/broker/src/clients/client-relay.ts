import { MqVersion, mqVersionName, RemotingCommand, ResponseCode } from '@rocknest/protocol';
import { RemotingTimeoutError } from '@rocknest/remoting';
import { CALL_CLIENT_TIMEOUT_MS } from '../defaults.js';
import { RequestRefusedError } from '../errors.js';
import type { ConsumerManager } from './consumer-manager.js';

/** What goes to the client in place of, or beside, what came from the tool. */
export interface RelayChanges {
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/**
 * Passes a tool's request on to one member of a consumer group, and its answer back.
 *
 * Follows `callConsumer` of `broker/processor/AdminBrokerProcessor.java` and `callClient` of `broker/client/net/Broker2Client.java`.
 */
export class ClientRelay {
  constructor(private readonly consumers: ConsumerManager) {}

  /** @throws RequestRefusedError SYSTEM_ERROR (not online, too old, connection broken) or CONSUME_MSG_TIMEOUT. */
  async relay(
    request: RemotingCommand,
    group: string,
    clientId: string,
    changes: RelayChanges = {},
  ): Promise<RemotingCommand> {
    const member = this.consumers.get(group)?.findByClientId(clientId);
    if (member === undefined) throw failed(`The Consumer <${group}> <${clientId}> not online`);
    if (member.version < MqVersion.V3_1_8_SNAPSHOT) {
      throw failed(
        `The Consumer <${clientId}> Version <${mqVersionName(member.version)}> too low to finish, please upgrade it to ${mqVersionName(MqVersion.V3_1_8_SNAPSHOT)}`,
      );
    }
    const body = changes.body ?? request.body;
    const command = RemotingCommand.request(request.code, { ...request.extFields, ...changes.fields }, body);
    let answer: RemotingCommand;
    try {
      answer = await member.connection.request(command, CALL_CLIENT_TIMEOUT_MS);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof RemotingTimeoutError) {
        throw new RequestRefusedError(
          ResponseCode.CONSUME_MSG_TIMEOUT,
          `consumer <${group}> <${clientId}> Timeout: ${reason}`,
        );
      }
      throw failed(`invoke consumer <${group}> <${clientId}> Exception: ${reason}`);
    }
    const { code, remark, body: answerBody } = answer;
    return RemotingCommand.response(code, {
      ...(remark === undefined ? {} : { remark }),
      fields: answer.extFields,
      body: answerBody,
    });
  }
}

function failed(remark: string): RequestRefusedError {
  return new RequestRefusedError(ResponseCode.SYSTEM_ERROR, remark);
}
