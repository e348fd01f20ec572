import type { DatabaseKind } from '@rocknest/config';

/** Milliseconds since 1970 by the database's clock: members' clocks are never compared with each other. */
const NOW_MS: Readonly<Record<DatabaseKind, string>> = {
  sqlite: "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
  postgres: 'CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)',
  mysql: "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000)",
  mariadb: "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000)",
};

const COLUMNS =
  'group_name, epoch, holder_id, holder_token, broker_address, ha_address, in_sync_ids, set_version, expires_at_ms';

/** The statements of a lease store. Placeholders stand in the order of the parameters. */
export interface LeaseStatements {
  /** group */
  readonly read: string;
  /** group, epoch, holder id, token, broker address, HA address, in-sync ids, ttl */
  readonly create: string;
  /** holder id, token, broker address, HA address, in-sync ids, ttl; group, epoch, version */
  readonly acquire: string;
  /** ttl; group, epoch, token */
  readonly renew: string;
  /** in-sync ids; group, epoch, token, version */
  readonly changeInSync: string;
  /** group, epoch, token */
  readonly release: string;
}

export function leaseStatements(kind: DatabaseKind): LeaseStatements {
  const now = NOW_MS[kind];
  const own = 'WHERE group_name = ? AND epoch = ? AND holder_token = ?';
  const update = 'UPDATE rocknest_lease SET';
  // A parameter without a column beside it has no type in Postgres.
  const ttl = kind === 'postgres' ? 'CAST(? AS BIGINT)' : '?';
  const text = (sql: string): string => {
    let position = 0;
    return kind === 'postgres' ? sql.replace(/\?/g, () => `$${++position}`) : sql;
  };
  return {
    read: text(`SELECT ${COLUMNS}, expires_at_ms - ${now} AS remaining_ms FROM rocknest_lease WHERE group_name = ?`),
    create: text(`INSERT INTO rocknest_lease (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ${now} + ${ttl})`),
    acquire: text(
      `${update} epoch = epoch + 1, set_version = set_version + 1, holder_id = ?, holder_token = ?, broker_address = ?, ha_address = ?, ` +
        `in_sync_ids = ?, expires_at_ms = ${now} + ${ttl} ` +
        `WHERE group_name = ? AND epoch = ? AND set_version = ? AND expires_at_ms <= ${now}`,
    ),
    renew: text(`${update} expires_at_ms = ${now} + ${ttl} ${own}`),
    changeInSync: text(`${update} in_sync_ids = ?, set_version = set_version + 1 ${own} AND set_version = ?`),
    release: text(`${update} expires_at_ms = ${now} ${own}`),
  };
}
