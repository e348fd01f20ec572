import { Controller } from '@nestjs/common';
import { SettingsUpdateError, type SettingsUpdateErrorCode } from '@rocknest/config';
import { RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { BrokerSettingsInForce } from '../../config/broker-settings-in-force.js';

const RESPONSE_CODES: Readonly<Record<SettingsUpdateErrorCode, number>> = {
  CONFIG_UPDATE_FORBIDDEN: ResponseCode.NO_PERMISSION,
  CONFIG_UPDATE_UNREADABLE: ResponseCode.SYSTEM_ERROR,
  CONFIG_UPDATE_INVALID: ResponseCode.SYSTEM_ERROR,
};

/**
 * UPDATE_BROKER_CONFIG (25): changes settings while the broker runs; the body is the text of a properties file. Unlike RocketMQ it refuses unknown keys, wrong
 * values, and keys that are read at the start only, instead of passing over them; then nothing is changed.
 */
@Controller()
export class UpdateBrokerConfigHandler {
  constructor(private readonly settings: BrokerSettingsInForce) {}

  @RequestHandler(RequestCode.UPDATE_BROKER_CONFIG)
  async handle(request: RemotingCommand, connection: Connection): Promise<RemotingCommand> {
    try {
      await this.settings.update(request.bodyBuffer.toString('utf8'), connection.remoteAddress);
      return RemotingCommand.response(ResponseCode.SUCCESS);
    } catch (error) {
      if (!(error instanceof SettingsUpdateError)) throw error;
      return RemotingCommand.response(RESPONSE_CODES[error.code], { remark: error.message });
    }
  }
}
