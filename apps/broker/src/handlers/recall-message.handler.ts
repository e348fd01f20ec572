import { Controller } from '@nestjs/common';
import {
  decodeRecallMessageRequest,
  encodeRecallMessageResponse,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { BrokerSettingsInForce } from '../config/broker-settings-in-force.js';
import { RequestRefusedError } from '../errors.js';
import { MessageRecaller } from '../timer/message-recaller.js';

/**
 * RECALL_MESSAGE (370): takes back a timer message that is not due yet.
 *
 * Follows `broker/processor/RecallMessageProcessor.java`.
 */
@Controller()
export class RecallMessageHandler {
  constructor(
    private readonly recaller: MessageRecaller,
    private readonly settings: BrokerSettingsInForce,
  ) {}

  @RequestHandler(RequestCode.RECALL_MESSAGE)
  async handle(request: RemotingCommand, connection: Connection): Promise<RemotingCommand> {
    // Java clients trace a recall, refused ones too, where the answer names the region.
    const fields = { MSG_REGION: this.settings.values.regionId };
    try {
      const msgId = await this.recaller.recall(decodeRecallMessageRequest(request), connection);
      return RemotingCommand.response(ResponseCode.SUCCESS, {
        fields: { ...fields, ...encodeRecallMessageResponse({ msgId }) },
      });
    } catch (error) {
      if (!(error instanceof RequestRefusedError)) throw error;
      return RemotingCommand.response(error.responseCode, { remark: error.message, fields });
    }
  }
}
