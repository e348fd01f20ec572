import { Controller } from '@nestjs/common';
import {
  decodeGetKvListByNamespaceRequest,
  encodeKVTable,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { KvConfigManager } from '../kvconfig/kv-config-manager.js';

/** GET_KVLIST_BY_NAMESPACE (219). */
@Controller()
export class GetKvListByNamespaceHandler {
  constructor(private readonly kvConfig: KvConfigManager) {}

  @RequestHandler(RequestCode.GET_KVLIST_BY_NAMESPACE)
  handle(request: RemotingCommand): RemotingCommand {
    const { namespace } = decodeGetKvListByNamespaceRequest(request);
    const entries = this.kvConfig.list(namespace);
    if (entries === undefined) {
      const remark = `No config item, Namespace: ${namespace}`;
      return RemotingCommand.response(ResponseCode.QUERY_NOT_FOUND, { remark });
    }
    const body = encodeKVTable({ table: Object.fromEntries(entries) });
    return RemotingCommand.response(ResponseCode.SUCCESS, { body });
  }
}
