import { Controller } from '@nestjs/common';
import { RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { TimerMessageStore } from '@rocknest/store';

/** GET_TIMER_METRICS: how many timer messages wait for each topic, as JSON, for slaves. Follows `broker/processor/AdminBrokerProcessor.java`. */
@Controller()
export class GetTimerMetricsHandler {
  constructor(private readonly timer: TimerMessageStore) {}

  @RequestHandler(RequestCode.GET_TIMER_METRICS)
  handle(): RemotingCommand {
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: this.timer.metrics.encode() });
  }
}
