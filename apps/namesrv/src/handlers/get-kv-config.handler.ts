import { Controller } from '@nestjs/common';
import {
  decodeGetKvConfigRequest,
  encodeGetKvConfigResponse,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { KvConfigManager } from '../kvconfig/kv-config-manager.js';

/** GET_KV_CONFIG (101). */
@Controller()
export class GetKvConfigHandler {
  constructor(private readonly kvConfig: KvConfigManager) {}

  @RequestHandler(RequestCode.GET_KV_CONFIG)
  handle(request: RemotingCommand): RemotingCommand {
    const { namespace, key } = decodeGetKvConfigRequest(request);
    const value = this.kvConfig.get(namespace, key);
    if (value !== undefined) {
      return RemotingCommand.response(ResponseCode.SUCCESS, { fields: encodeGetKvConfigResponse({ value }) });
    }
    const remark = `No config item, Namespace: ${namespace} Key: ${key}`;
    return RemotingCommand.response(ResponseCode.QUERY_NOT_FOUND, { remark });
  }
}
