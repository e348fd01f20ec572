import { Controller } from '@nestjs/common';
import { SettingsUpdateError, type SettingsUpdateErrorCode } from '@rocknest/config';
import { RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { NamesrvState } from '../namesrv-state.js';

const RESPONSE_CODES: Readonly<Record<SettingsUpdateErrorCode, number>> = {
  CONFIG_UPDATE_FORBIDDEN: ResponseCode.NO_PERMISSION,
  CONFIG_UPDATE_UNREADABLE: ResponseCode.SYSTEM_ERROR,
  CONFIG_UPDATE_INVALID: ResponseCode.SYSTEM_ERROR,
};

/**
 * UPDATE_NAMESRV_CONFIG (318): changes settings while the namesrv runs; the body is the text of a properties file. Unlike RocketMQ
 * it refuses unknown keys and wrong values instead of passing over them.
 */
@Controller()
export class UpdateNamesrvConfigHandler {
  constructor(private readonly state: NamesrvState) {}

  @RequestHandler(RequestCode.UPDATE_NAMESRV_CONFIG)
  async handle(request: RemotingCommand, connection: Connection): Promise<RemotingCommand> {
    try {
      const changed = await this.state.settings.update(request.bodyBuffer.toString('utf8'));
      if (changed.length > 0)
        this.state.logger.log(`settings changed by ${connection.remoteAddress}: ${changed.join(', ')}`);
      return RemotingCommand.response(ResponseCode.SUCCESS);
    } catch (error) {
      if (!(error instanceof SettingsUpdateError)) throw error;
      return RemotingCommand.response(RESPONSE_CODES[error.code], { remark: error.message });
    }
  }
}
