import { Controller } from '@nestjs/common';
import {
  decodeLockBatchRequestBody,
  encodeLockBatchResponseBody,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { RebalanceLockManager } from '../rebalance/rebalance-lock-manager.js';

/** LOCK_BATCH_MQ (41): an orderly consumer locks queues for itself, or renews its locks; answered with those that it holds. */
@Controller()
export class LockBatchMqHandler {
  constructor(private readonly locks: RebalanceLockManager) {}

  @RequestHandler(RequestCode.LOCK_BATCH_MQ)
  handle(request: RemotingCommand): RemotingCommand {
    const { consumerGroup, clientId, mqSet } = decodeLockBatchRequestBody(request.bodyBuffer);
    const lockOKMQSet = this.locks.tryLockBatch(consumerGroup, mqSet, clientId);
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeLockBatchResponseBody({ lockOKMQSet }) });
  }
}
