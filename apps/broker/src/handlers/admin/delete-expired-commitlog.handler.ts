import { Controller } from '@nestjs/common';
import { RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';

/**
 * DELETE_EXPIRED_COMMITLOG (329): files of the commit log that are older than fileReservedTime go now, whatever the hour. The answer does not wait
 * for it, as in RocketMQ.
 */
@Controller()
export class DeleteExpiredCommitlogHandler {
  constructor(private readonly store: MessageStore) {}

  @RequestHandler(RequestCode.DELETE_EXPIRED_COMMITLOG)
  handle(): RemotingCommand {
    this.store.deleteExpiredFiles();
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
