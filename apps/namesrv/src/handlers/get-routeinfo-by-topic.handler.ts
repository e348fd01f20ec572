import { Controller } from '@nestjs/common';
import {
  decodeGetRouteInfoByTopicRequest,
  encodeTopicRouteData,
  MqVersion,
  NAMESPACE_ORDER_TOPIC_CONFIG,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type TopicRouteData,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { NamesrvState } from '../namesrv-state.js';
import { filterRouteByZone } from '../routeinfo/topic-route.js';

/** Header fields of clients that want the brokers of their zone. */
const ZONE_MODE_FIELD = '__ZONE_MODE';
const ZONE_NAME_FIELD = '__ZONE_NAME';

/**
 * GET_ROUTEINFO_BY_TOPIC (105): where a topic's queues are.
 *
 * Follows `namesrv/processor/ClientRequestProcessor.java`.
 */
@Controller()
export class GetRouteInfoByTopicHandler {
  constructor(private readonly state: NamesrvState) {}

  @RequestHandler(RequestCode.GET_ROUTEINFO_BY_TOPIC)
  handle(request: RemotingCommand): RemotingCommand {
    const { config, routes, kvConfig } = this.state;
    if (!this.state.isReadyForClients()) {
      return RemotingCommand.response(ResponseCode.SYSTEM_ERROR, { remark: 'name server not ready' });
    }
    const { topic, acceptStandardJsonOnly } = decodeGetRouteInfoByTopicRequest(request);
    const route = routes.routeOf(topic);
    if (route === undefined) {
      return RemotingCommand.response(ResponseCode.TOPIC_NOT_EXIST, {
        remark: `No topic route info in name server for the topic: ${topic}\nCreate the topic, or start a broker with autoCreateTopicEnable=true.`,
      });
    }
    if (config.orderMessageEnable) {
      const orderTopicConf = kvConfig.get(NAMESPACE_ORDER_TOPIC_CONFIG, topic);
      if (orderTopicConf !== undefined) route.orderTopicConf = orderTopicConf;
    }
    const zone = zoneOf(request);
    const standardJson = acceptStandardJsonOnly || request.version >= MqVersion.V4_9_4;
    const body = zone === undefined ? encodeTopicRouteData(route, { standardJson }) : encodeForZone(route, zone);
    return RemotingCommand.response(ResponseCode.SUCCESS, { body });
  }
}

/** RocketMQ encodes a filtered route a second time, without looking at the version: bare keys for everybody. */
function encodeForZone(route: TopicRouteData, zone: string): Buffer {
  return encodeTopicRouteData(filterRouteByZone(route, zone), { standardJson: false });
}

function zoneOf(request: RemotingCommand): string | undefined {
  if (request.field(ZONE_MODE_FIELD)?.toLowerCase() !== 'true') return undefined;
  const zone = request.field(ZONE_NAME_FIELD);
  return zone === undefined || zone.trim() === '' ? undefined : zone;
}
