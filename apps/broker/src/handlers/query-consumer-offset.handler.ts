import { Controller } from '@nestjs/common';
import {
  decodeQueryConsumerOffsetRequest,
  encodeQueryConsumerOffsetResponse,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ConsumerOffsetManager } from '../metadata/index.js';
import { RecentData } from '../offsets/recent-data.js';

/**
 * QUERY_CONSUMER_OFFSET (14): where a group stands in a queue. A group without an offset starts at 0 while the queue's first
 * message is still there and recent; otherwise the client decides (code 22).
 *
 * Follows `queryConsumerOffset` of `broker/processor/ConsumerManageProcessor.java`, with the "in memory" arithmetic of 5.0.
 */
@Controller()
export class QueryConsumerOffsetHandler {
  constructor(
    private readonly offsets: ConsumerOffsetManager,
    private readonly recentData: RecentData,
  ) {}

  @RequestHandler(RequestCode.QUERY_CONSUMER_OFFSET)
  handle(request: RemotingCommand): RemotingCommand | Promise<RemotingCommand> {
    const { consumerGroup, topic, queueId, setZeroIfNotFound } = decodeQueryConsumerOffsetRequest(request);
    const offset = this.offsets.query(consumerGroup, topic, queueId);
    if (offset >= 0) return found(offset);
    if (setZeroIfNotFound === false) {
      return notFound('Not found, do not set to zero, maybe this group boot first');
    }
    return this.recentData
      .startsRecently(topic, queueId)
      .then((recent) =>
        recent ? found(0) : notFound('Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first'),
      );
  }
}

function found(offset: number): RemotingCommand {
  return RemotingCommand.response(ResponseCode.SUCCESS, { fields: encodeQueryConsumerOffsetResponse({ offset }) });
}

function notFound(remark: string): RemotingCommand {
  return RemotingCommand.response(ResponseCode.QUERY_NOT_FOUND, { remark });
}
