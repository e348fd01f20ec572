import { Controller } from '@nestjs/common';
import {
  decodeQueryAssignmentRequestBody,
  encodeQueryAssignmentResponseBody,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { QueueAssigner } from '../../pop/queue-assigner.js';

/** QUERY_ASSIGNMENT (400): the queues of a topic that a member of a group gets, and whether it pulls or pops them. */
@Controller()
export class QueryAssignmentHandler {
  constructor(private readonly assigner: QueueAssigner) {}

  @RequestHandler(RequestCode.QUERY_ASSIGNMENT)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const messageQueueAssignments = await this.assigner.assign(decodeQueryAssignmentRequestBody(request.bodyBuffer));
    return RemotingCommand.response(ResponseCode.SUCCESS, {
      body: encodeQueryAssignmentResponseBody({ messageQueueAssignments }),
    });
  }
}
