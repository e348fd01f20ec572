import { Controller } from '@nestjs/common';
import { decodeHeartbeatData, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { HeartbeatIntake } from '../clients/heartbeat-intake.js';

/**
 * HEART_BEAT (34): a client says which groups it produces and consumes for, and what they subscribe.
 *
 * Follows `heartBeat` and `heartBeatV2` of `broker/processor/ClientManageProcessor.java`.
 */
@Controller()
export class HeartBeatHandler {
  constructor(private readonly intake: HeartbeatIntake) {}

  @RequestHandler(RequestCode.HEART_BEAT)
  async handle(request: RemotingCommand, connection: Connection): Promise<RemotingCommand> {
    const heartbeat = decodeHeartbeatData(request.bodyBuffer);
    const { subscriptionsWanted } = await this.intake.take(heartbeat, {
      connection,
      clientId: heartbeat.clientID,
      language: request.language,
      version: request.version,
    });
    return RemotingCommand.response(ResponseCode.SUCCESS, {
      fields: { IS_SUPPORT_HEART_BEAT_V2: true, IS_SUB_CHANGE: subscriptionsWanted },
    });
  }
}
