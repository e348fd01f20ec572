import { Controller } from '@nestjs/common';
import {
  decodeCloneGroupOffsetRequest,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  validateGroup,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ConsumerManager } from '../../clients/consumer-manager.js';
import { RequestRefusedError } from '../../errors.js';
import { ConsumerOffsetManager, TopicConfigManager } from '../../metadata/index.js';

/**
 * CLONE_GROUP_OFFSET (314): a group gets the offsets of another one, of a topic or of all topics that exist. Unless `offline`, topics that the members of
 * the source (if any are online) do not subscribe are left out. (The Java broker, when no topic is given, clones nothing.)
 *
 * Follows `cloneGroupOffset` of `broker/processor/AdminBrokerProcessor.java`.
 */
@Controller()
export class CloneGroupOffsetHandler {
  constructor(
    private readonly offsets: ConsumerOffsetManager,
    private readonly topics: TopicConfigManager,
    private readonly consumers: ConsumerManager,
  ) {}

  @RequestHandler(RequestCode.CLONE_GROUP_OFFSET)
  handle(request: RemotingCommand): RemotingCommand {
    const { srcGroup, destGroup, topic, offline } = decodeCloneGroupOffsetRequest(request);
    const problem = validateGroup(destGroup);
    if (problem !== undefined) throw new RequestRefusedError(ResponseCode.INVALID_PARAMETER, problem);
    const online = offline ? undefined : this.consumers.get(srcGroup);
    for (const name of topic ? [topic] : this.offsets.topicsOf(srcGroup)) {
      if (this.topics.get(name) === undefined) continue;
      if (online !== undefined && online.subscriptions.size > 0 && !online.subscriptions.has(name)) continue;
      for (const [queueId, offset] of this.offsets.offsetsOf(srcGroup, name) ?? []) {
        this.offsets.commit(destGroup, name, queueId, offset);
      }
    }
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
