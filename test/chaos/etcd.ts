import { Child } from '../support/child.js';
import { waitFor } from '../support/wait-for.js';
import type { ChaosNetwork } from './network.js';

/** Where the lease store lives, to be cut off from. */
export const LEASE_HOST = 'lease';
const START_TIMEOUT_MS = 30_000;

/** One etcd on a host of its own, for the leases of all groups. @throws Error where the command `etcd` is missing or does not come up. */
export async function startEtcd(network: ChaosNetwork, port: number, folder: string): Promise<Child> {
  const client = `http://${network.addressOf(LEASE_HOST)}:${port}`;
  const peer = 'http://127.0.0.1:0';
  const [command, ...args] = network.commandOn(LEASE_HOST, [
    'etcd',
    ...['--data-dir', folder, '--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer],
  ]);
  const etcd = new Child({ name: 'etcd', command, args });
  const isUp = (): Promise<boolean> =>
    fetch(`${client}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  await waitFor(
    () => {
      if (!etcd.running) throw new Error(`etcd ended while starting (is etcd-server installed?)\n${etcd.tail()}`);
      return isUp();
    },
    'etcd to answer',
    START_TIMEOUT_MS,
  );
  return etcd;
}
