import { Broker, type RunningBroker } from '../broker.js';
import type { StartSettings } from '../config/broker-settings-in-force.js';
import type { BrokerLogger } from '../logger.js';

/**
 * Starts a broker, as the member of a group that elects its master when `leaseStore` says so.
 *
 * @throws BrokerStartError or another RocknestError that says why it cannot start.
 */
export async function startBroker(settings: StartSettings, logger: BrokerLogger): Promise<RunningBroker> {
  if (settings.values.leaseStore === '') return new Broker(settings, logger).start();
  const { GroupMember } = await import('../election/group-member.js');
  return GroupMember.start(settings, logger);
}
