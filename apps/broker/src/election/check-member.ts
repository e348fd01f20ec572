import { MASTER_ID } from '@rocknest/protocol';
import type { BrokerConfig } from '../config/broker-settings.js';
import { BrokerStartError } from '../errors.js';

/** @throws BrokerStartError BROKER_MEMBER when the settings cannot be those of a member of a group with a lease. */
export function checkMember(
  config: Pick<
    BrokerConfig,
    | 'brokerId'
    | 'brokerRole'
    | 'namesrvAddr'
    | 'haMasterAddress'
    | 'haMaxTimeSlaveNotCatchup'
    | 'slaveTimeout'
    | 'enableSlaveActingMaster'
  >,
): void {
  const refuse = (problem: string): never => {
    throw new BrokerStartError('BROKER_MEMBER', `leaseStore is set, ${problem}`);
  };
  if (config.brokerId === MASTER_ID)
    refuse(
      `but brokerId is ${MASTER_ID}: give each member of the group an id of its own above ${MASTER_ID}. Whoever leads serves clients under ${MASTER_ID}.`,
    );
  if (config.brokerRole === 'SLAVE')
    refuse('and brokerRole=SLAVE: the lease decides who is a slave. Remove brokerRole.');
  if (config.namesrvAddr === '')
    refuse('but namesrvAddr is not: clients learn from namesrvs who leads. Name the namesrvs of all members there.');
  if (config.haMasterAddress !== '')
    refuse('and haMasterAddress, too: the lease says where the log comes from. Remove haMasterAddress.');
  if (config.enableSlaveActingMaster)
    refuse('and enableSlaveActingMaster, too: the group elects a master instead. Remove one of them.');
  if (config.haMaxTimeSlaveNotCatchup >= config.slaveTimeout)
    refuse(
      `and haMaxTimeSlaveNotCatchup (${config.haMaxTimeSlaveNotCatchup} ms) is not below slaveTimeout (${config.slaveTimeout} ms): sends would fail before a slave that is gone is given up.`,
    );
}
