import { Controller } from '@nestjs/common';
import { encodeGetBrokerConfigResponse, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { BrokerSettingsInForce } from '../../config/broker-settings-in-force.js';

/** GET_BROKER_CONFIG (26): the settings in force as `key=value` lines, without passwords. */
@Controller()
export class GetBrokerConfigHandler {
  constructor(private readonly settings: BrokerSettingsInForce) {}

  @RequestHandler(RequestCode.GET_BROKER_CONFIG)
  handle(): RemotingCommand {
    return RemotingCommand.response(ResponseCode.SUCCESS, {
      fields: encodeGetBrokerConfigResponse({ version: this.settings.version }),
      body: Buffer.from(this.settings.text(), 'utf8'),
    });
  }
}
