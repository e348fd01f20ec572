import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backends, type Backend } from './metadata-backends.js';

/** A place for leases that nobody else uses. */
export interface LeasePlace {
  readonly url: string;
  /** A group name that no other test has. */
  readonly group: string;
  drop(): Promise<void>;
}

export interface LeaseBackend {
  readonly name: string;
  readonly missing: string | undefined;
  create(): Promise<LeasePlace>;
}

const newGroup = (): string => `test/${process.pid}-${Math.random().toString(36).slice(2)}`;

function sqlBackend(backend: Backend): LeaseBackend {
  return {
    name: backend.name,
    missing: backend.missing,
    create: async () => {
      const database = await backend.create();
      if (database.url === undefined) throw new Error('a server is needed');
      return { url: database.url, group: newGroup(), drop: () => database.drop() };
    },
  };
}

/** A file always; servers where their variables name them. */
export const leaseBackends: readonly LeaseBackend[] = [
  {
    name: 'SQLite',
    missing: undefined,
    create: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'rocknest-lease-'));
      return {
        url: `sqlite:${join(folder, 'lease.db')}`,
        group: newGroup(),
        drop: async () => rmSync(folder, { recursive: true, force: true }),
      };
    },
  },
  ...backends.filter(({ name }) => name !== 'SQLite').map(sqlBackend),
  {
    name: 'etcd',
    missing: process.env['TEST_ETCD_URL'] ? undefined : 'TEST_ETCD_URL is not set',
    create: async () => ({ url: process.env['TEST_ETCD_URL'] ?? '', group: newGroup(), drop: async () => undefined }),
  },
];
