import { DatabaseWriter, openDatabase, reasonOf } from '@rocknest/config';
import { ResponseCode } from '@rocknest/protocol';
import { KV_NAME_MAX_LENGTH, KV_VALUE_MAX_BYTES } from '../defaults.js';
import { NamesrvLimitError, RequestRefusedError } from '../errors.js';
import type { NamesrvLogger } from '../logger.js';
import { kvConfigEntity } from './kv-config.entity.js';
import { kvConfigMigrations } from './migrations/index.js';

export interface KvConfigOptions {
  /** Empty: the SQLite file. */
  readonly databaseUrl: string;
  readonly sqliteFile: string;
  readonly maxEntries: number;
  readonly logger: NamesrvLogger;
}

/**
 * The KV configuration: texts by namespace and key, order topics among them. Read from memory; a change is in the database before it is
 * answered.
 *
 * Follows `namesrv/kvconfig/KVConfigManager.java`.
 */
export class KvConfigManager {
  private readonly namespaces = new Map<string, Map<string, string>>();
  private count = 0;

  private constructor(
    private readonly writer: DatabaseWriter,
    private readonly maxEntries: number,
  ) {}

  /** @throws DatabaseError that says what is wrong with the database and what to do. */
  static async open(options: KvConfigOptions): Promise<KvConfigManager> {
    const database = await openDatabase(
      {
        url: options.databaseUrl,
        sqliteFile: options.sqliteFile,
        entities: [kvConfigEntity],
        migrations: kvConfigMigrations,
        migrationsTable: 'rocknest_namesrv_migrations',
      },
      "The database of the namesrv's KV configuration",
    );
    const writer = new DatabaseWriter(database, {
      what: 'The database of the KV configuration',
      whileDown:
        'Routes are served and the KV configuration is read as before; changes of it are refused until it is back.',
      logger: options.logger,
    });
    const manager = new KvConfigManager(writer, options.maxEntries);
    const rows = await database.dataSource.manager.find(kvConfigEntity);
    for (const { namespace, key, value } of rows) manager.set(namespace, key, value);
    return manager;
  }

  get(namespace: string, key: string): string | undefined {
    return this.namespaces.get(namespace)?.get(key);
  }

  /** All entries of a namespace, undefined when it has none. */
  list(namespace: string): ReadonlyMap<string, string> | undefined {
    return this.namespaces.get(namespace);
  }

  /** @throws RequestRefusedError when the entry cannot be kept or the database does not take it; nothing is changed then. */
  async put(namespace: string, key: string, value: string): Promise<void> {
    checkName('namespace', namespace);
    checkName('key', key);
    const bytes = Buffer.byteLength(value);
    if (bytes > KV_VALUE_MAX_BYTES || value.includes('\0')) {
      throw refused(`the value of ${key} has ${bytes} bytes; at most ${KV_VALUE_MAX_BYTES} without NUL are kept`);
    }
    const before = this.get(namespace, key);
    if (before === value) return;
    if (before === undefined && this.count >= this.maxEntries) {
      throw new NamesrvLimitError('KV entries', this.maxEntries, 'maxKvEntries');
    }
    await this.write(async () => {
      await this.writer.transaction((transaction) =>
        transaction.upsert(kvConfigEntity, { namespace, key, value }, ['namespace', 'key']),
      );
    });
    this.set(namespace, key, value);
  }

  /** @throws RequestRefusedError when the database does not take it; nothing is changed then. */
  async delete(namespace: string, key: string): Promise<void> {
    if (this.get(namespace, key) === undefined) return;
    await this.write(async () => {
      await this.writer.transaction((transaction) => transaction.delete(kvConfigEntity, { namespace, key }));
    });
    const entries = this.namespaces.get(namespace);
    if (entries?.delete(key) !== true) return;
    this.count--;
    if (entries.size === 0) this.namespaces.delete(namespace);
  }

  async close(): Promise<void> {
    await this.writer.close();
  }

  private set(namespace: string, key: string, value: string): void {
    let entries = this.namespaces.get(namespace);
    if (entries === undefined) this.namespaces.set(namespace, (entries = new Map<string, string>()));
    if (!entries.has(key)) this.count++;
    entries.set(key, value);
  }

  private async write(job: () => Promise<void>): Promise<void> {
    try {
      await job();
    } catch (error) {
      throw refused(
        `the KV configuration was not changed: its database (${this.writer.databaseName}) does not take it (${reasonOf(error)})`,
      );
    }
  }
}

/** Blanks at the end count for nothing in MySQL, and Postgres has no NUL. */
function checkName(what: string, name: string): void {
  if (name.length <= KV_NAME_MAX_LENGTH && !name.includes('\0') && name.trimEnd() === name) return;
  throw refused(
    `the ${what} has ${name.length} characters; at most ${KV_NAME_MAX_LENGTH} are kept, and no blank at the end`,
  );
}

function refused(message: string): RequestRefusedError {
  return new RequestRefusedError(ResponseCode.SYSTEM_ERROR, message);
}
