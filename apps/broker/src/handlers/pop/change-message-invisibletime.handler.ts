import { Controller } from '@nestjs/common';
import { decodeChangeInvisibleTimeRequest, type RemotingCommand, RequestCode } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { InvisibleTimeChanger } from '../../pop/invisible-time-changer.js';

/** CHANGE_MESSAGE_INVISIBLETIME (200053): a popped message stays invisible for so long from now on. */
@Controller()
export class ChangeMessageInvisibletimeHandler {
  constructor(private readonly changer: InvisibleTimeChanger) {}

  @RequestHandler(RequestCode.CHANGE_MESSAGE_INVISIBLETIME)
  handle(request: RemotingCommand, connection: Connection): RemotingCommand | Promise<RemotingCommand> {
    return this.changer.change(decodeChangeInvisibleTimeRequest(request), connection.remoteAddress);
  }
}
