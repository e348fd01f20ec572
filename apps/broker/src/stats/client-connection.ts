import type { ClientConnection } from '@rocknest/protocol';
import type { ClientChannelInfo } from '../clients/client-channel-info.js';

/** A client as admin answers list it. */
export function connectionOf(channel: ClientChannelInfo): ClientConnection {
  const { clientId, language, version, connection } = channel;
  return { clientId, clientAddr: connection.remoteAddress, language, version };
}
