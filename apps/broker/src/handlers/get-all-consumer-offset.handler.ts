import { Controller } from '@nestjs/common';
import { encodeConsumerOffsetWrapper, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ConsumerOffsetManager } from '../metadata/index.js';

/** GET_ALL_CONSUMER_OFFSET (43): what every group has consumed, for slaves. */
@Controller()
export class GetAllConsumerOffsetHandler {
  constructor(private readonly offsets: ConsumerOffsetManager) {}

  @RequestHandler(RequestCode.GET_ALL_CONSUMER_OFFSET)
  handle(): RemotingCommand {
    const offsetTable = new Map<string, ReadonlyMap<number, number>>();
    for (const { group, topic, offsets } of this.offsets.all()) offsetTable.set(`${topic}@${group}`, offsets);
    const body = encodeConsumerOffsetWrapper({ offsetTable, dataVersion: this.offsets.dataVersion });
    return RemotingCommand.response(ResponseCode.SUCCESS, { body });
  }
}
