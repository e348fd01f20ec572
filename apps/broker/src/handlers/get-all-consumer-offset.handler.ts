import { Controller } from '@nestjs/common';
import { encodeConsumerOffsetWrapper, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ConsumerOffsetManager } from '../metadata/index.js';
import { FOLLOWS_UNTIL_STOP, MetadataFollowers } from '../replication/metadata-followers.js';

/** GET_ALL_CONSUMER_OFFSET (43): what every group has consumed, for slaves. A slave that says so is told when this broker stops. */
@Controller()
export class GetAllConsumerOffsetHandler {
  constructor(
    private readonly offsets: ConsumerOffsetManager,
    private readonly followers: MetadataFollowers,
  ) {}

  @RequestHandler(RequestCode.GET_ALL_CONSUMER_OFFSET)
  handle(request: RemotingCommand, connection: Connection): RemotingCommand {
    if (request.extFields?.[FOLLOWS_UNTIL_STOP] === 'true') this.followers.add(connection);
    const offsetTable = new Map<string, ReadonlyMap<number, number>>();
    for (const { group, topic, offsets } of this.offsets.all()) offsetTable.set(`${topic}@${group}`, offsets);
    const body = encodeConsumerOffsetWrapper({ offsetTable, dataVersion: this.offsets.dataVersion });
    return RemotingCommand.response(ResponseCode.SUCCESS, { body });
  }
}
