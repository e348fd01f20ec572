import { MASTER_ID, ResponseCode } from '@rocknest/protocol';
import type { BrokerConfig } from '../config/broker-settings.js';
import { BrokerStartError, RequestRefusedError } from '../errors.js';

/** Why a slave takes no message. */
export const SLAVE_TAKES_NO_MESSAGES = 'this broker is a slave: messages are sent to the master of its group';

export function isSlave({ brokerRole }: Pick<BrokerConfig, 'brokerRole'>): boolean {
  return brokerRole === 'SLAVE';
}

/**
 * Topics and groups of a slave come from its master (`validateSlave` of `broker/processor/AdminBrokerProcessor.java`).
 *
 * @throws RequestRefusedError SYSTEM_ERROR on a slave.
 */
export function refuseOnSlave(broker: { readonly isSlave: boolean }): void {
  if (!broker.isSlave) return;
  throw new RequestRefusedError(
    ResponseCode.SYSTEM_ERROR,
    "Can't modify topic or subscription group from slave broker, please execute it from master broker.",
  );
}

/** @throws BrokerStartError BROKER_ROLE when role and id contradict each other, or a slave could not find its master. */
export function checkRole(config: Pick<BrokerConfig, 'brokerRole' | 'brokerId' | 'namesrvAddr'>): void {
  const { brokerRole, brokerId, namesrvAddr } = config;
  if (!isSlave(config)) {
    if (brokerId === MASTER_ID) return;
    throw new BrokerStartError(
      'BROKER_ROLE',
      `brokerId is ${brokerId}, but brokerRole is ${brokerRole}: the id of a master is ${MASTER_ID}. For a slave set brokerRole=SLAVE.`,
    );
  }
  if (brokerId === MASTER_ID) {
    throw new BrokerStartError(
      'BROKER_ROLE',
      `brokerRole is SLAVE, but brokerId is ${MASTER_ID}, which is the master's: give each slave of a group an id of its own above ${MASTER_ID}.`,
    );
  }
  if (namesrvAddr === '') {
    throw new BrokerStartError(
      'BROKER_ROLE',
      'a slave learns from a namesrv where its master is: set namesrvAddr to the namesrvs that the master registers with.',
    );
  }
}
