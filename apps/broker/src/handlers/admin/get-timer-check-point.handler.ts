import { Controller } from '@nestjs/common';
import { RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { TimerMessageStore } from '@rocknest/store';

/** GET_TIMER_CHECK_POINT: the checkpoint of the timer, 56 bytes, for slaves. Follows `broker/processor/AdminBrokerProcessor.java`. */
@Controller()
export class GetTimerCheckPointHandler {
  constructor(private readonly timer: TimerMessageStore) {}

  @RequestHandler(RequestCode.GET_TIMER_CHECK_POINT)
  handle(): RemotingCommand {
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: this.timer.encodeCheckpoint() });
  }
}
