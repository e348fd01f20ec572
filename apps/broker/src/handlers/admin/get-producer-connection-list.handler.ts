import { Controller } from '@nestjs/common';
import {
  decodeGetProducerConnectionListRequest,
  encodeProducerConnection,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ProducerManager } from '../../clients/producer-manager.js';
import { RequestRefusedError } from '../../errors.js';
import { connectionOf } from '../../stats/client-connection.js';

/** GET_PRODUCER_CONNECTION_LIST (204): the producers of a group; none is SYSTEM_ERROR, as in RocketMQ. */
@Controller()
export class GetProducerConnectionListHandler {
  constructor(private readonly producers: ProducerManager) {}

  @RequestHandler(RequestCode.GET_PRODUCER_CONNECTION_LIST)
  handle(request: RemotingCommand): RemotingCommand {
    const { producerGroup } = decodeGetProducerConnectionListRequest(request);
    const channels = this.producers.all().get(producerGroup);
    if (channels === undefined || channels.size === 0) {
      throw new RequestRefusedError(ResponseCode.SYSTEM_ERROR, `the producer group[${producerGroup}] not exist`);
    }
    const connectionSet = Array.from(channels.values(), connectionOf);
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeProducerConnection({ connectionSet }) });
  }
}
