import { RemotingCommand, ResponseCode } from '@rocknest/protocol';

/** RocketMQ's answer to a list that the configuration switches off. */
export function switchedOff(): RemotingCommand {
  return RemotingCommand.response(ResponseCode.SYSTEM_ERROR, { remark: 'disable' });
}
