import { Controller } from '@nestjs/common';
import { decodePutKvConfigRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { KvConfigManager } from '../kvconfig/kv-config-manager.js';

/** PUT_KV_CONFIG (100). */
@Controller()
export class PutKvConfigHandler {
  constructor(private readonly kvConfig: KvConfigManager) {}

  @RequestHandler(RequestCode.PUT_KV_CONFIG)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    if (!request.field('namespace') || !request.field('key')) {
      return RemotingCommand.response(ResponseCode.SYSTEM_ERROR, { remark: 'namespace or key is null' });
    }
    const { namespace, key, value } = decodePutKvConfigRequest(request);
    await this.kvConfig.put(namespace, key, value);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
