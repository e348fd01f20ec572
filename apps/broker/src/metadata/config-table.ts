import { classifyDatabaseError, reasonOf, type DatabaseWriter, type Transaction } from '@rocknest/config';
import type { DataVersion } from '@rocknest/protocol';
import { MAX_PENDING_CHANGES } from './defaults.js';
import type { VersionedTable } from './entities/index.js';
import { MetadataError } from './metadata-error.js';
import { nextVersion, saveVersion } from './versions.js';

/** How a kind of configuration is called, compared and stored. */
export interface ConfigTableKind<T> {
  readonly table: VersionedTable;
  /** For messages: `topic`. */
  readonly noun: string;
  nameOf(config: T): string;
  /** Throws METADATA_INVALID for what the database cannot hold. Returns what is kept: a frozen copy. */
  checked(config: T): T;
  equal(a: T, b: T): boolean;
  upsert(transaction: Transaction, brokerKey: string, configs: readonly T[]): Promise<void>;
  remove(transaction: Transaction, brokerKey: string, names: readonly string[]): Promise<void>;
}

interface Change<T> {
  readonly puts: readonly T[];
  /** Leave those alone that exist. */
  readonly onlyMissing: boolean;
  readonly removes: readonly string[];
  /** A new version even when nothing else changes. */
  readonly touch: { stateVersion: number } | undefined;
  resolve(changed: number): void;
  reject(error: unknown): void;
}

/** What a batch of changes amounts to. */
interface Outcome<T> {
  /** The last state of each name that changes; undefined: removed. */
  readonly final: Map<string, T | undefined>;
  /** For each change: how many names it changed. */
  readonly counts: number[];
  readonly version: DataVersion | undefined;
}

/**
 * A table of configurations by name: read from memory, and changed in the database before it is changed in memory, so that what was
 * acknowledged survives a crash. Changes that come while the database is busy with others go to it together, in one transaction.
 */
export class ConfigTable<T> {
  private readonly rows: Map<string, T>;
  private pending: Change<T>[] = [];
  private draining = false;

  constructor(
    private readonly kind: ConfigTableKind<T>,
    private readonly writer: DatabaseWriter,
    private readonly brokerKey: string,
    rows: ReadonlyMap<string, T>,
    private version: DataVersion,
  ) {
    this.rows = new Map(rows);
  }

  get dataVersion(): DataVersion {
    return this.version;
  }

  get all(): ReadonlyMap<string, T> {
    return this.rows;
  }

  get(name: string): T | undefined {
    return this.rows.get(name);
  }

  /** @returns how many of the configurations differ from what was there. */
  put(configs: readonly T[], onlyMissing = false): Promise<number> {
    return this.enqueue({ puts: configs.map((config) => this.kind.checked(config)), onlyMissing });
  }

  /** @returns how many of the names existed. */
  remove(names: readonly string[]): Promise<number> {
    return this.enqueue({ removes: names });
  }

  /** Gives the table a new version without another change. */
  async touch(stateVersion: number): Promise<void> {
    await this.enqueue({ touch: { stateVersion } });
  }

  private enqueue(change: Partial<Pick<Change<T>, 'puts' | 'onlyMissing' | 'removes' | 'touch'>>): Promise<number> {
    if (this.pending.length >= MAX_PENDING_CHANGES) {
      const message = `${this.pending.length} changes wait for the metadata database already. Try again later.`;
      throw new MetadataError('METADATA_BUSY', message);
    }
    return new Promise<number>((resolve, reject) => {
      this.pending.push({ puts: [], onlyMissing: false, removes: [], touch: undefined, ...change, resolve, reject });
      void this.drain();
    });
  }

  private async drain(): Promise<void> {
    if (this.draining) return;
    this.draining = true;
    while (this.pending.length > 0) {
      const batch = this.pending;
      this.pending = [];
      await this.write(batch);
    }
    this.draining = false;
  }

  /** Never throws: each change hears of its own end. */
  private async write(batch: readonly Change<T>[]): Promise<void> {
    try {
      const counts = await this.store(batch);
      batch.forEach((change, index) => change.resolve(counts[index] ?? 0));
    } catch (error) {
      // One change that the database refuses must not take the others of its batch with it.
      if (batch.length > 1 && classifyDatabaseError(error) === 'DATABASE_FAILED') {
        for (const change of batch) await this.write([change]);
        return;
      }
      for (const change of batch) change.reject(this.refusal(error));
    }
  }

  private async store(batch: readonly Change<T>[]): Promise<number[]> {
    const { final, counts, version } = this.outcome(batch);
    if (version === undefined) return counts;
    const puts = [...final.values()].filter((config) => config !== undefined);
    const removes = [...final].filter(([, config]) => config === undefined).map(([name]) => name);
    await this.writer.transaction(async (transaction) => {
      if (puts.length > 0) await this.kind.upsert(transaction, this.brokerKey, puts);
      if (removes.length > 0) await this.kind.remove(transaction, this.brokerKey, removes);
      await saveVersion(transaction, this.brokerKey, this.kind.table, version);
    }, true);
    for (const [name, config] of final) {
      if (config === undefined) this.rows.delete(name);
      else this.rows.set(name, config);
    }
    this.version = version;
    return counts;
  }

  private outcome(batch: readonly Change<T>[]): Outcome<T> {
    const final = new Map<string, T | undefined>();
    const counts: number[] = [];
    let touch: { stateVersion: number } | undefined;
    const current = (name: string): T | undefined => (final.has(name) ? final.get(name) : this.rows.get(name));
    for (const change of batch) {
      let count = 0;
      for (const config of change.puts) {
        const name = this.kind.nameOf(config);
        const before = current(name);
        if (before !== undefined && (change.onlyMissing || this.kind.equal(before, config))) continue;
        final.set(name, config);
        count++;
      }
      for (const name of change.removes) {
        if (current(name) === undefined) continue;
        final.set(name, undefined);
        count++;
      }
      touch = change.touch ?? touch;
      counts.push(count);
    }
    const changed = final.size > 0 || touch !== undefined;
    return { final, counts, version: changed ? nextVersion(this.version, touch?.stateVersion) : undefined };
  }

  private refusal(error: unknown): unknown {
    if (error instanceof MetadataError) return error;
    const message =
      `The ${this.kind.noun} was not changed: the metadata database (${this.writer.databaseName}) does not take it ` +
      `(${reasonOf(error)}). Try again when it is back.`;
    return new MetadataError('METADATA_UNAVAILABLE', message, { database: this.writer.databaseName }, error);
  }
}
