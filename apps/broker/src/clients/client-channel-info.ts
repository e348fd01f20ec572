import type { Connection } from '@rocknest/remoting';

/**
 * One client on one connection, as its heartbeats describe it.
 *
 * Follows `broker/client/ClientChannelInfo.java`.
 */
export interface ClientChannelInfo {
  readonly connection: Connection;
  readonly clientId: string;
  /** Name of the client's language as it stands in its frames: `JAVA`, `GO`, ... */
  readonly language: string;
  /** Ordinal of the client's version (`MqVersion`). */
  readonly version: number;
  /** When the last heartbeat came, in milliseconds since 1970. */
  lastUpdateMs: number;
}
