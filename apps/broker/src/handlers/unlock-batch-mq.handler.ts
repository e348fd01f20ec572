import { Controller } from '@nestjs/common';
import { decodeUnlockBatchRequestBody, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { RebalanceLockManager } from '../rebalance/rebalance-lock-manager.js';

/** UNLOCK_BATCH_MQ (42): an orderly consumer gives queues back that it locked. */
@Controller()
export class UnlockBatchMqHandler {
  constructor(private readonly locks: RebalanceLockManager) {}

  @RequestHandler(RequestCode.UNLOCK_BATCH_MQ)
  handle(request: RemotingCommand): RemotingCommand {
    const { consumerGroup, clientId, mqSet } = decodeUnlockBatchRequestBody(request.bodyBuffer);
    this.locks.unlockBatch(consumerGroup, mqSet, clientId);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
