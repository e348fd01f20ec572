import { Controller } from '@nestjs/common';
import {
  bodyCrc32,
  decodeRegisterBrokerBody,
  decodeRegisterBrokerRequest,
  decodeTopicConfigSerializeWrapper,
  encodeKVTable,
  encodeRegisterBrokerResponse,
  MqVersion,
  NAMESPACE_ORDER_TOPIC_CONFIG,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type RegisterBrokerBody,
} from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { NamesrvState } from '../namesrv-state.js';

/** What a registration without a body says: no topics, never changed. */
const NO_TOPICS: RegisterBrokerBody = {
  topicConfigSerializeWrapper: { topicConfigTable: {}, dataVersion: { stateVersion: 0, timestamp: 0, counter: 0 } },
  filterServerList: [],
};

/**
 * REGISTER_BROKER (103): a broker says who and where it is and which topics it has.
 *
 * Follows `registerBroker` of `namesrv/processor/DefaultRequestProcessor.java`.
 */
@Controller()
export class RegisterBrokerHandler {
  constructor(private readonly state: NamesrvState) {}

  @RequestHandler(RequestCode.REGISTER_BROKER)
  handle(request: RemotingCommand, connection: Connection): RemotingCommand {
    const header = decodeRegisterBrokerRequest(request);
    if (header.bodyCrc32 !== 0 && header.bodyCrc32 !== bodyCrc32(request.bodyBuffer)) {
      return RemotingCommand.response(ResponseCode.SYSTEM_ERROR, { remark: 'crc32 not match' });
    }
    const { topicConfigSerializeWrapper, filterServerList } = decodeBody(request);
    const outcome = this.state.routes.registerBroker({
      clusterName: header.clusterName,
      brokerName: header.brokerName,
      brokerAddr: header.brokerAddr,
      brokerId: header.brokerId,
      haServerAddr: header.haServerAddr,
      zoneName: request.field('__ZONE_NAME'),
      heartbeatTimeoutMs: header.heartbeatTimeoutMillis,
      enableActingMaster: header.enableActingMaster,
      topics: topicConfigSerializeWrapper,
      filterServers: filterServerList,
      connection,
    });
    if (!outcome.registered) {
      return RemotingCommand.response(ResponseCode.SYSTEM_ERROR, { remark: 'register broker failed' });
    }
    const { masterAddr, haServerAddr } = outcome;
    const fields = encodeRegisterBrokerResponse({ masterAddr, haServerAddr });
    return RemotingCommand.response(ResponseCode.SUCCESS, { fields, ...this.orderTopics() });
  }

  private orderTopics(): { body?: Buffer } {
    if (!this.state.config.returnOrderTopicConfigToBroker) return {};
    const entries = this.state.kvConfig.list(NAMESPACE_ORDER_TOPIC_CONFIG);
    return entries === undefined ? {} : { body: encodeKVTable({ table: Object.fromEntries(entries) }) };
  }
}

function decodeBody(request: RemotingCommand): RegisterBrokerBody {
  const body = request.bodyBuffer;
  if (body.length === 0) return NO_TOPICS;
  if (request.version >= MqVersion.V3_0_11) return decodeRegisterBrokerBody(body);
  return { topicConfigSerializeWrapper: decodeTopicConfigSerializeWrapper(body), filterServerList: [] };
}
