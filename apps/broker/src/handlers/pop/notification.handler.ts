import { Controller } from '@nestjs/common';
import { type RemotingCommand, RequestCode } from '@rocknest/protocol';
import type { Connection, DEFERRED } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { PopNotifier } from '../../pop/pop-notifier.js';

/** NOTIFICATION (200054): whether there is something to pop; waits for it. */
@Controller()
export class NotificationHandler {
  constructor(private readonly notifier: PopNotifier) {}

  @RequestHandler(RequestCode.NOTIFICATION)
  handle(
    request: RemotingCommand,
    connection: Connection,
  ): RemotingCommand | typeof DEFERRED | Promise<RemotingCommand | typeof DEFERRED> {
    return this.notifier.notify(request, connection);
  }
}
