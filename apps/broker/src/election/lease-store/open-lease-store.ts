import { EtcdClient, parseEtcdUrl } from './etcd-client.js';
import { EtcdLeaseStore } from './etcd-lease-store.js';
import type { LeaseStore } from './lease-store.js';
import { SqlLeaseStore } from './sql-lease-store.js';

/**
 * Opens the lease store that `leaseStore` names: `postgres://`, `mysql://`, `mariadb://`, `sqlite:` or `etcd://` (`etcds://` with TLS).
 *
 * @throws DatabaseError, RocknestError that say what is wrong with the address, or the database.
 */
export async function openLeaseStore(url: string, requestTimeoutMs: number): Promise<LeaseStore> {
  if (/^etcds?:/.test(url)) return new EtcdLeaseStore(new EtcdClient(parseEtcdUrl(url), requestTimeoutMs));
  return SqlLeaseStore.open(url);
}
