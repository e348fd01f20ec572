import { Controller } from '@nestjs/common';
import {
  decodeEndTransactionRequest,
  MessageSysFlag,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { TransactionEnd } from '../transaction/transaction-end.js';

/**
 * END_TRANSACTION (37): a producer commits or rolls back, of itself or because it was asked. Producers send it oneway. One that does not
 * know yet changes nothing: it will be asked again.
 *
 * Follows `broker/processor/EndTransactionProcessor.java`.
 */
@Controller()
export class EndTransactionHandler {
  constructor(private readonly transactions: TransactionEnd) {}

  @RequestHandler(RequestCode.END_TRANSACTION)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const header = decodeEndTransactionRequest(request);
    const { TRANSACTION_COMMIT_TYPE, TRANSACTION_ROLLBACK_TYPE } = MessageSysFlag;
    const isEnd =
      header.commitOrRollback === TRANSACTION_COMMIT_TYPE || header.commitOrRollback === TRANSACTION_ROLLBACK_TYPE;
    if (isEnd) await this.transactions.end(header);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
