import { Controller } from '@nestjs/common';
import { RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';

/**
 * CLEAN_EXPIRED_CONSUMEQUEUE (306): removes files of consume queues that lead to no message of the log any more. Unlike RocketMQ, which removes an
 * emptied queue as a whole, its last file stays: the queue goes on at its offset instead of at 0, which consumers would take for lost messages.
 */
@Controller()
export class CleanExpiredConsumequeueHandler {
  constructor(private readonly store: MessageStore) {}

  @RequestHandler(RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE)
  async handle(): Promise<RemotingCommand> {
    await this.store.cleanExpiredConsumeQueues();
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
