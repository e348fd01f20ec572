import { encodeNotifyMinBrokerIdChangeRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';

/** Field of GET_ALL_CONSUMER_OFFSET with which a slave says that it wants to hear when its master stops; RocketMQ's brokers know nothing of it. */
export const FOLLOWS_UNTIL_STOP = 'followsUntilStop';

/**
 * The slaves that take the metadata over from this master now and then, and want to do so once more when it stops. They are told over the connections on
 * which they ask, with the notice that a namesrv would send them when the master is gone (NOTIFY_MIN_BROKER_ID_CHANGE), and answer when they have all.
 */
export class MetadataFollowers {
  private readonly connections = new Set<Connection>();
  private handedOver: Promise<number> | undefined = undefined;

  /** @param maxFollowers further ones are not told */
  constructor(private readonly maxFollowers: number) {}

  /** A slave asks for the metadata. */
  add(connection: Connection): void {
    if (this.connections.has(connection) || this.connections.size >= this.maxFollowers) return;
    this.connections.add(connection);
    connection.onClose(() => this.connections.delete(connection));
  }

  /** Lets all of them take the metadata over, once. @returns how many had not within `timeoutMs`. */
  handOver(brokerName: string, timeoutMs: number): Promise<number> {
    return (this.handedOver ??= this.tellAll(brokerName, timeoutMs));
  }

  private async tellAll(brokerName: string, timeoutMs: number): Promise<number> {
    const told = Array.from(this.connections, async (connection) => {
      const fields = encodeNotifyMinBrokerIdChangeRequest({ brokerName });
      const notice = RemotingCommand.request(RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE, fields);
      const { code } = await connection.request(notice, timeoutMs);
      return code === ResponseCode.SUCCESS;
    });
    const results = await Promise.allSettled(told);
    return results.filter((result) => result.status === 'rejected' || !result.value).length;
  }
}
