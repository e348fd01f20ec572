import { Controller } from '@nestjs/common';
import { decodeUnregisterClientRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ConsumerManager } from '../clients/consumer-manager.js';
import { ProducerManager } from '../clients/producer-manager.js';

/** UNREGISTER_CLIENT (35): a client leaves a producer group, a consumer group, or both. */
@Controller()
export class UnregisterClientHandler {
  constructor(
    private readonly producers: ProducerManager,
    private readonly consumers: ConsumerManager,
  ) {}

  @RequestHandler(RequestCode.UNREGISTER_CLIENT)
  handle(request: RemotingCommand, connection: Connection): RemotingCommand {
    const { producerGroup, consumerGroup } = decodeUnregisterClientRequest(request);
    if (producerGroup !== undefined) this.producers.unregister(producerGroup, connection);
    if (consumerGroup !== undefined) this.consumers.unregister(consumerGroup, connection);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
