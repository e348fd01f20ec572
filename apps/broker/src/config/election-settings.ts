import { setting } from '@rocknest/config';
import * as defaults from '../election/defaults.js';

const ELECTION = 'Fail-over';

/** Broker groups that elect their master by a lease; see docs/guides/fail-over.md. */
export const electionSettings = {
  leaseStore: setting.leaseStoreUrl({
    default: '',
    description:
      'Where the members of a broker group keep who leads: postgres://, mysql://, mariadb://, etcd://HOST:2379,HOST:2379 (etcds:// with TLS), or sqlite:/FILE for members on one machine. With it the group elects its master, and brokerRole is not used; brokerId names the member, 1 or above. Empty: roles are as configured.',
    section: ELECTION,
    important: true,
  }),
  leaseDuration: setting.integer({
    default: defaults.DEFAULT_LEASE_DURATION_MS,
    min: defaults.MIN_LEASE_DURATION_MS,
    max: 600_000,
    unit: 'ms',
    description:
      'How long a master leads without renewing its lease: so long the group cannot write when it dies. The same on all members.',
    section: ELECTION,
  }),
  haMaxTimeSlaveNotCatchup: setting.integer({
    default: defaults.DEFAULT_MAX_TIME_SLAVE_NOT_CATCHUP_MS,
    min: 100,
    max: 600_000,
    unit: 'ms',
    description:
      'A slave that has not had everything for so long is not in sync any more: sends wait for it no longer, and it cannot become master. Below slaveTimeout, so that the senders wait but do not fail.',
    section: ELECTION,
  }),
};
