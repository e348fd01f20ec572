import { encodeNotifyMinBrokerIdChangeRequest, RemotingCommand, RequestCode } from '@rocknest/protocol';
import { RemotingClient } from '@rocknest/remoting';
import { NOTIFY_MIN_BROKER_ID_TIMEOUT_MS } from '../defaults.js';
import type { NamesrvLogger } from '../logger.js';
import type { MinBrokerIdChange } from './min-broker-id-change.js';

/**
 * Tells the members of a broker group that its smallest id changed, on connections of its own: brokers listen for it on their port.
 *
 * Follows `notifyMinBrokerIdChanged` of `namesrv/routeinfo/RouteInfoManager.java`.
 */
export class MinBrokerIdNotifier {
  private client: RemotingClient | undefined = undefined;

  constructor(private readonly logger: NamesrvLogger) {}

  notify(change: MinBrokerIdChange): void {
    this.client ??= new RemotingClient({ connectTimeoutMs: NOTIFY_MIN_BROKER_ID_TIMEOUT_MS });
    const { brokerName, minBrokerId, minBrokerAddr, offlineBrokerAddr, haBrokerAddr, notify } = change;
    const fields = encodeNotifyMinBrokerIdChangeRequest({
      brokerName,
      minBrokerId,
      minBrokerAddr,
      offlineBrokerAddr,
      haBrokerAddr,
    });
    this.logger.log(`smallest broker id of ${brokerName} is now ${minBrokerId}; telling ${notify.join(', ')}`);
    for (const address of notify) {
      const command = RemotingCommand.request(RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE, fields);
      this.client.invokeOneway(address, command).catch((error: unknown) => {
        this.logger.warn(
          `broker ${address} could not be told of it: ${error instanceof Error ? error.message : String(error)}`,
        );
      });
    }
  }

  async close(): Promise<void> {
    await this.client?.close();
  }
}
