import type { BrokerLogger } from '../logger.js';
import type { MetadataSeed, MetadataSnapshot } from '../metadata/index.js';
import { configFolder, digestsOf, presentConfigFiles } from './config-folder.js';
import { refuseRocksDbConfig, surveyFolder } from './folder-survey.js';
import { changedFiles, readHandOver, writeHandOver, type HandOver } from './hand-over.js';
import { countsOf, namesForLine } from './notes.js';

/**
 * Decides at a broker's start whether the files of `config/` that Apache RocketMQ wrote are taken into the database, and takes them.
 *
 * | the database has | `config/rocknest.json` says | the files | then |
 * |---|---|---|---|
 * | nothing of this broker | anything, but not that another broker took them | are there | imported |
 * | nothing of this broker | another broker of Rocknest took them | are there | not read; a warning |
 * | something | EXPORTED | were changed since | imported, in the place of what the database has |
 * | something | EXPORTED | are the same | not read |
 * | something | KNOWN | were changed since | not read; a warning, at each start |
 * | something | KNOWN | are the same | not read |
 * | something | nothing, or another broker | are there | not read; a warning, once |
 *
 * So a second start never imports again, and never replaces what is newer in the database. docs/decisions/0007 has the reasons.
 */
export class ConfigImport {
  private imported: string | undefined = undefined;
  private mustNote = false;

  constructor(
    private readonly storePath: string,
    private readonly brokerKey: string,
    private readonly logger: BrokerLogger,
  ) {}

  /** What `openMetadata` asks. */
  readonly seed: MetadataSeed = async (isEmpty) => {
    const present = presentConfigFiles(this.storePath);
    const handOver = readHandOver(this.storePath);
    if (!(await isEmpty())) return this.forFilled(present, handOver);
    refuseRocksDbConfig(this.storePath);
    if (present.length === 0) return undefined;
    if (handOver !== undefined && handOver.brokerKey !== this.brokerKey && handOver.state === 'KNOWN') {
      this.logger.warn(
        `the database has nothing of ${this.brokerKey}, and ${configFolder(this.storePath)} belongs to ${handOver.brokerKey}: nothing was imported. ` +
          'Set brokerClusterName and brokerName back, or import the files with "rocknest store import-config".',
      );
      return undefined;
    }
    return this.read(present, 'the database had nothing of this broker');
  };

  /** Called when the database has taken what `seed` returned: says so, once. */
  finish(): void {
    if (this.mustNote) writeHandOver(this.storePath, 'KNOWN', this.brokerKey);
    this.mustNote = false;
    if (this.imported !== undefined) this.logger.log(this.imported);
    this.imported = undefined;
  }

  private async forFilled(
    present: readonly string[],
    handOver: HandOver | undefined,
  ): Promise<MetadataSnapshot | undefined> {
    const folder = configFolder(this.storePath);
    if (handOver?.brokerKey !== this.brokerKey) {
      if (present.length === 0) return undefined;
      this.mustNote = true;
      this.logger.warn(
        `${folder} has ${present.join(', ')} of an Apache RocketMQ broker, and the database has metadata of this broker: the database counts. ` +
          'To take the files instead, stop the broker and run "rocknest store import-config --force".',
      );
      return undefined;
    }
    const changed = changedFiles(handOver, digestsOf(this.storePath));
    if (handOver.state === 'EXPORTED') {
      const gone = Object.keys(handOver.files).filter((name) => !present.includes(name));
      if (changed.length > 0 && gone.length === 0) {
        return this.read(present, `an Apache RocketMQ broker went on from what was exported at ${handOver.at}`);
      }
      // A broker of RocketMQ removes none of them.
      if (gone.length > 0)
        this.logger.warn(`${gone.join(', ')} of the last export are gone from ${folder}: the database counts`);
      this.mustNote = true;
      return undefined;
    }
    if (changed.length > 0) {
      this.logger.warn(
        `${changed.join(', ')} in ${folder} were changed since ${handOver.at}, though no export had handed the store over: the database counts. ` +
          'Stop the broker, and run "rocknest store import-config --force" to take the files, or "rocknest store export-config --force" to write them anew.',
      );
    }
    return undefined;
  }

  private async read(present: readonly string[], reason: string): Promise<MetadataSnapshot> {
    // Brings the database's code along, which the broker loads while the store recovers.
    const { readConfig } = await import('./config-reader.js');
    const { snapshot, notes } = readConfig(this.storePath);
    for (const line of [...notes, ...surveyFolder(this.storePath)]) this.logger.warn(`import: ${line}`);
    this.mustNote = true;
    this.imported = importLine(snapshot, present, configFolder(this.storePath), reason);
    return snapshot;
  }
}

/** The one line that says what was imported. */
function importLine(snapshot: MetadataSnapshot, files: readonly string[], folder: string, reason: string): string {
  return `imported ${countsOf(snapshot)} from ${namesForLine(files)} in ${folder} (${reason})`;
}
