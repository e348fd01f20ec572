import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { StoreError } from '../errors.js';
import { syncData, syncFolder } from '../io/durable.js';
import type { FileSystem } from '../io/file-system.js';
import { NodeFileSystem } from '../io/node-file-system.js';
import { readSmallFile, writeFullySync } from '../io/transfer.js';
import { EpochTable } from './epoch-table.js';

/** RocketMQ's name of the file, in the store folder. */
const FILE_NAME = 'epochFileCheckpoint';
/** 30 bytes each: far more epochs than a group lives through. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** RocketMQ clears the top bit. */
const CRC_MASK = 0x7fffffff;

/**
 * The epochs of a store's log, in the form of RocketMQ's `epochFileCheckpoint`: how many, the CRC-32 of the lines that follow, and a line
 * `epoch-startOffset` for each. Replaced atomically, and on stable storage before `save` resolves.
 *
 * Follows `common/utils/CheckpointFile.java`.
 */
export class EpochFile {
  private readonly path: string;

  constructor(
    private readonly storeFolder: string,
    private readonly fileSystem: FileSystem = new NodeFileSystem(),
  ) {
    this.path = join(storeFolder, FILE_NAME);
  }

  /** @throws StoreError STORE_EPOCHS when the file is damaged: a member that does not know what its log is must not join its group. */
  load(): EpochTable {
    const text = readSmallFile(this.fileSystem, this.path, MAX_FILE_BYTES)?.toString('utf8');
    if (text === undefined) return new EpochTable();
    const [count, checksum, ...lines] = text.split(/\r?\n/).filter((line) => line !== '');
    const newline = text.includes('\r\n') ? '\r\n' : '\n';
    const content = lines.map((line) => `${line}${newline}`).join('');
    if (Number(count) !== lines.length || Number(checksum) !== checksumOf(content))
      throw this.damaged('its count or checksum is wrong');
    const entries = lines.map((line) => {
      const parts = /^(\d+)-(\d+)$/.exec(line);
      if (parts === null) throw this.damaged(`a line reads ${JSON.stringify(line)}`);
      return { epoch: Number(parts[1]), startOffset: Number(parts[2]) };
    });
    return new EpochTable(entries);
  }

  async save({ entries }: EpochTable): Promise<void> {
    const content = entries.map(({ epoch, startOffset }) => `${epoch}-${startOffset}\n`).join('');
    const bytes = Buffer.from(`${entries.length}\n${checksumOf(content)}\n${content}`);
    const temporary = `${this.path}.tmp`;
    this.fileSystem.makeFolder(this.storeFolder);
    this.fileSystem.remove(temporary);
    const file = this.fileSystem.open(temporary, { create: true });
    try {
      writeFullySync(file, bytes, 0, bytes.length, 0);
      await syncData(file);
    } finally {
      file.close();
    }
    this.fileSystem.rename(temporary, this.path);
    await syncFolder(this.fileSystem, this.storeFolder);
  }

  private damaged(problem: string): StoreError {
    return new StoreError(
      'STORE_EPOCHS',
      `${this.path} is damaged: ${problem}. It says which master wrote which part of this log. Move the store folder away: the member begins anew with the log of its master.`,
      { path: this.path },
    );
  }
}

function checksumOf(content: string): number {
  return crc32(content) & CRC_MASK;
}
