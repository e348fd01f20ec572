import { Controller } from '@nestjs/common';
import {
  decodeQueryCorrectionOffsetRequest,
  encodeCorrectionOffsets,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';
import { ConsumerOffsetManager } from '../../metadata/index.js';

/**
 * QUERY_CORRECTION_OFFSET (308): the lowest offset of all groups in each queue of a topic, but those that are behind what the queue still has. A queue in
 * which `compareGroup` is the one that is lower than that is marked. (The Java broker also deletes the offsets of the groups in `filterGroups`; here they only
 * don't count.)
 *
 * Follows `queryCorrectionOffset` of `broker/processor/AdminBrokerProcessor.java`.
 */
@Controller()
export class QueryCorrectionOffsetHandler {
  constructor(
    private readonly offsets: ConsumerOffsetManager,
    private readonly store: MessageStore,
  ) {}

  @RequestHandler(RequestCode.QUERY_CORRECTION_OFFSET)
  handle(request: RemotingCommand): RemotingCommand {
    const { filterGroups, compareGroup, topic } = decodeQueryCorrectionOffsetRequest(request);
    const without = new Set((filterGroups ?? '').split(',').map((group) => group.trim()));
    const lowest = new Map<number, number | 'behind'>();
    for (const group of this.offsets.groupsOf(topic)) {
      if (without.has(group)) continue;
      for (const [queueId, offset] of this.offsets.offsetsOf(group, topic) ?? []) {
        if (offset < this.store.minOffset(topic, queueId)) continue;
        const known = lowest.get(queueId);
        if (typeof known !== 'number' || offset < known) lowest.set(queueId, offset);
      }
    }
    for (const [queueId, offset] of this.offsets.offsetsOf(compareGroup, topic) ?? []) {
      const known = lowest.get(queueId);
      if (typeof known === 'number' && known > offset) lowest.set(queueId, 'behind');
    }
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeCorrectionOffsets(lowest) });
  }
}
