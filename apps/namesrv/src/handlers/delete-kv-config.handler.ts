import { Controller } from '@nestjs/common';
import { decodeDeleteKvConfigRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { KvConfigManager } from '../kvconfig/kv-config-manager.js';

/** DELETE_KV_CONFIG (102). */
@Controller()
export class DeleteKvConfigHandler {
  constructor(private readonly kvConfig: KvConfigManager) {}

  @RequestHandler(RequestCode.DELETE_KV_CONFIG)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const { namespace, key } = decodeDeleteKvConfigRequest(request);
    await this.kvConfig.delete(namespace, key);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
