import { openDatabase, type OpenDatabase } from '@rocknest/config';
import { CreateLease1764000000000 } from './create-lease.migration.js';
import { decodeInSyncIds, encodeInSyncIds, leaseNumber } from './lease-fields.js';
import type { LeaseCandidate, LeaseClaim, LeaseRecord, LeaseStore, LeaseView } from './lease-store.js';
import { leaseStatements, type LeaseStatements } from './sql-dialect.js';

type Row = Record<string, unknown>;

/**
 * Leases in Postgres, MySQL, MariaDB, or a SQLite file that all members of a group have on one machine. Each change is one UPDATE whose WHERE is the
 * comparison; what it led to is read afterwards, so that no driver's count of rows is relied upon.
 */
export class SqlLeaseStore implements LeaseStore {
  readonly name: string;
  private readonly sql: LeaseStatements;

  private constructor(private readonly database: OpenDatabase) {
    this.name = database.name;
    this.sql = leaseStatements(database.target.kind);
  }

  /** @throws DatabaseError that says what is wrong and what to do. */
  static async open(url: string): Promise<SqlLeaseStore> {
    const database = await openDatabase(
      {
        url,
        sqliteFile: '',
        entities: [],
        migrations: [CreateLease1764000000000],
        migrationsTable: 'rocknest_lease_migrations',
      },
      'The database of the leases',
    );
    // A power failure must not bring back who was in sync before.
    if (database.target.kind === 'sqlite') await database.dataSource.query('PRAGMA synchronous = FULL');
    return new SqlLeaseStore(database);
  }

  async read(group: string): Promise<LeaseView | undefined> {
    const rows = await this.database.dataSource.query<Row[]>(this.sql.read, [group]);
    return rows.length === 0 ? undefined : viewOf(rows[0]);
  }

  async create(candidate: LeaseCandidate, epoch: number, ttlMs: number): Promise<LeaseView> {
    const { group, holderId, holderToken, brokerAddress, haAddress } = candidate;
    const inSync = encodeInSyncIds([holderId]);
    try {
      await this.run(this.sql.create, [group, epoch, holderId, holderToken, brokerAddress, haAddress, inSync, ttlMs]);
    } catch (error) {
      // Another member was faster: the key is taken.
      const view = await this.read(group);
      if (view === undefined) throw error;
      return view;
    }
    const view = await this.read(group);
    if (view === undefined) throw new Error(`the lease of ${group} was removed as soon as it was made`);
    return view;
  }

  async acquire(candidate: LeaseCandidate, seen: LeaseRecord, ttlMs: number): Promise<LeaseView | undefined> {
    const { group, holderId, holderToken, brokerAddress, haAddress } = candidate;
    const holder = [holderId, holderToken, brokerAddress, haAddress, encodeInSyncIds([holderId]), ttlMs];
    await this.run(this.sql.acquire, [...holder, group, seen.epoch, seen.version]);
    return this.read(group);
  }

  async renew({ group, epoch, holderToken }: LeaseClaim, ttlMs: number): Promise<LeaseView | undefined> {
    await this.run(this.sql.renew, [ttlMs, group, epoch, holderToken]);
    return this.read(group);
  }

  async changeInSync(
    { group, epoch, holderToken }: LeaseClaim,
    version: number,
    inSyncIds: readonly number[],
  ): Promise<LeaseView | undefined> {
    await this.run(this.sql.changeInSync, [encodeInSyncIds(inSyncIds), group, epoch, holderToken, version]);
    return this.read(group);
  }

  async release({ group, epoch, holderToken }: LeaseClaim): Promise<void> {
    await this.run(this.sql.release, [group, epoch, holderToken]);
  }

  async close(): Promise<void> {
    await this.database.dataSource.destroy();
  }

  private async run(sql: string, parameters: readonly unknown[]): Promise<void> {
    await this.database.dataSource.query(sql, [...parameters]);
  }
}

function viewOf(row: Row): LeaseView {
  return {
    record: {
      group: String(row['group_name']),
      epoch: leaseNumber(row['epoch']),
      holderId: leaseNumber(row['holder_id']),
      holderToken: String(row['holder_token']),
      brokerAddress: String(row['broker_address']),
      haAddress: String(row['ha_address']),
      inSyncIds: decodeInSyncIds(String(row['in_sync_ids'])),
      version: leaseNumber(row['set_version']),
    },
    remainingMs: leaseNumber(row['remaining_ms']),
  };
}
