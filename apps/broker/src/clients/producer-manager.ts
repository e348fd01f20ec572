import { ResponseCode } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import type { Clock } from '../clock.js';
import { RequestRefusedError } from '../errors.js';
import type { ClientChannelInfo } from './client-channel-info.js';

export interface ProducerManagerOptions {
  /** Groups online at most. */
  readonly maxGroups: number;
  /** Without a heartbeat for this long a producer is dropped, in milliseconds. */
  readonly channelExpiredTimeoutMs: number;
  readonly clock: Clock;
}

/**
 * Which producers are online: group -> connections, and client id -> connection.
 *
 * Follows `broker/client/ProducerManager.java`.
 */
export class ProducerManager {
  private readonly groups = new Map<string, Map<Connection, ClientChannelInfo>>();
  private readonly clients = new Map<string, Connection>();
  private readonly groupsOfConnection = new Map<Connection, Set<string>>();
  private nextChannel = 0;

  constructor(private readonly options: ProducerManagerOptions) {}

  all(): ReadonlyMap<string, ReadonlyMap<Connection, ClientChannelInfo>> {
    return this.groups;
  }

  /** The connection of a client by its id, for replies that are pushed to a producer. */
  findChannel(clientId: string): Connection | undefined {
    return this.clients.get(clientId);
  }

  /** One online, writable member of the group, in turn; a member whose socket is full only when there is no other. */
  availableChannel(groupName: string): Connection | undefined {
    const channels = this.groups.get(groupName);
    if (channels === undefined || channels.size === 0) return undefined;
    const connections = [...channels.keys()];
    this.nextChannel = (this.nextChannel + 1) % connections.length;
    const inTurn = [...connections.slice(this.nextChannel), ...connections.slice(0, this.nextChannel)];
    const open = inTurn.filter((connection) => !connection.closed);
    return open.find((connection) => connection.writable) ?? open[0];
  }

  /** @throws RequestRefusedError when `maxGroups` groups are online already. */
  register(groupName: string, channel: ClientChannelInfo): void {
    let channels = this.groups.get(groupName);
    if (channels === undefined) {
      if (this.groups.size >= this.options.maxGroups) {
        throw new RequestRefusedError(
          ResponseCode.SYSTEM_BUSY,
          `${this.groups.size} producer groups are online, which is the limit (maxClientGroups); group ${groupName} is refused`,
        );
      }
      channels = new Map<Connection, ClientChannelInfo>();
      this.groups.set(groupName, channels);
    }
    const known = channels.get(channel.connection);
    if (known !== undefined && known.clientId === channel.clientId) {
      known.lastUpdateMs = channel.lastUpdateMs;
      return;
    }
    if (known !== undefined) this.clients.delete(known.clientId);
    channels.set(channel.connection, channel);
    this.clients.set(channel.clientId, channel.connection);
    let names = this.groupsOfConnection.get(channel.connection);
    if (names === undefined) this.groupsOfConnection.set(channel.connection, (names = new Set()));
    names.add(groupName);
  }

  /** A producer says goodbye (UNREGISTER_CLIENT). */
  unregister(groupName: string, connection: Connection): void {
    this.groupsOfConnection.get(connection)?.delete(groupName);
    this.remove(groupName, connection);
  }

  /** A connection is gone: its client leaves every group. */
  connectionClosed(connection: Connection): void {
    const names = this.groupsOfConnection.get(connection);
    if (names === undefined) return;
    this.groupsOfConnection.delete(connection);
    for (const name of names) this.remove(name, connection);
  }

  /** Drops producers whose last heartbeat is too old, and closes their connections as RocketMQ does. */
  scanNotActiveChannels(): void {
    const oldest = this.options.clock() - this.options.channelExpiredTimeoutMs;
    for (const [groupName, channels] of this.groups) {
      for (const channel of channels.values()) {
        if (channel.lastUpdateMs >= oldest) continue;
        this.unregister(groupName, channel.connection);
        channel.connection.close('the client sent no heartbeat in time');
      }
    }
  }

  private remove(groupName: string, connection: Connection): void {
    const channels = this.groups.get(groupName);
    const channel = channels?.get(connection);
    if (channels === undefined || channel === undefined) return;
    channels.delete(connection);
    if (channels.size === 0) this.groups.delete(groupName);
    // The same client may have come back on another connection in the meantime: that one stays.
    const stillHere = (this.groupsOfConnection.get(connection)?.size ?? 0) > 0;
    if (!stillHere && this.clients.get(channel.clientId) === connection) this.clients.delete(channel.clientId);
  }
}
