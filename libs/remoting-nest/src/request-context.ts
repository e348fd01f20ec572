import { BaseRpcContext } from '@nestjs/microservices';
import type { RemotingCommand } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';

/** What the processing hooks of a microservice are told of a request. */
export class RequestContext extends BaseRpcContext<[RemotingCommand, Connection]> {
  getRequest(): RemotingCommand {
    return this.args[0];
  }

  getConnection(): Connection {
    return this.args[1];
  }
}
