import { join } from 'node:path';
import { ENTRY_BYTES } from '../consume-queue/queue-entry.js';
import { StoreError } from '../errors.js';
import { offsetFileName, parseOffsetFileName } from '../io/file-name.js';
import type { FileSystem, StoreFile } from '../io/file-system.js';
import { readFullySync, writeFullySync } from '../io/transfer.js';

const PIECE_ENTRIES = 3_200;
const TAGS_CODE_AT = 12;
/** Size (int16) and tagsCode (int64) at the start of a unit; store time and filter bits follow. */
const UNIT_HEAD_BYTES = 10;
const MIN_UNIT_BYTES = 20;
const UINT32_RANGE = 0x1_0000_0000;
const INT32_RANGE = 0x8000_0000;

/**
 * With `enableConsumeQueueExt`, RocketMQ writes into a queue entry not the tagsCode but the address of a unit in `consumequeue_ext` that
 * holds it, beside bits that save work when a message is filtered. This puts the tagsCodes back into the entries and removes the units,
 * which RocketMQ does not need either: entries of both kinds may stand in one queue.
 *
 * Follows `store/ConsumeQueueExt.java`.
 *
 * @returns how many entries were changed.
 * @throws StoreError STORE_FOREIGN_LAYOUT when a unit is missing.
 */
export async function resolveQueueExt(
  { rootPath, consumeQueuePath }: { rootPath: string; consumeQueuePath: string },
  fileSystem: FileSystem,
): Promise<number> {
  const extPath = join(rootPath, 'consumequeue_ext');
  let resolved = 0;
  const topics = fileSystem.list(extPath).filter(({ isFolder }) => isFolder);
  for (const { name: topic } of topics) {
    for (const { name: queueId } of fileSystem.list(join(extPath, topic))) {
      const units = new ExtUnits(join(extPath, topic, queueId), fileSystem);
      resolved += await resolveQueue(join(consumeQueuePath, topic, queueId), units, fileSystem);
      units.close();
    }
  }
  if (topics.length > 0) fileSystem.remove(extPath);
  return resolved;
}

async function resolveQueue(folder: string, units: ExtUnits, fileSystem: FileSystem): Promise<number> {
  let resolved = 0;
  for (const { name } of fileSystem.list(folder)) {
    if (parseOffsetFileName(name) === undefined) continue;
    const file = fileSystem.open(join(folder, name));
    try {
      const inFile = await resolveFile(file, units);
      // The units are removed at the end: until then, whatever stops this is done again.
      if (inFile > 0) file.syncDataSync();
      resolved += inFile;
    } finally {
      file.close();
    }
  }
  return resolved;
}

async function resolveFile(file: StoreFile, units: ExtUnits): Promise<number> {
  const { sizeBytes } = file.stat();
  const piece = Buffer.alloc(PIECE_ENTRIES * ENTRY_BYTES);
  let resolved = 0;
  for (let position = 0; position < sizeBytes; position += piece.length) {
    const length = readFullySync(file, piece, 0, Math.min(piece.length, sizeBytes - position), position);
    let changed = 0;
    for (let at = 0; at + ENTRY_BYTES <= length; at += ENTRY_BYTES) {
      if (piece.readInt32BE(at + 8) <= 0) continue;
      const offset = extOffset(piece, at + TAGS_CODE_AT);
      if (offset === undefined) continue;
      units.copyTagsCode(offset, piece, at + TAGS_CODE_AT);
      changed++;
    }
    if (changed > 0) writeFullySync(file, piece, 0, length, position);
    resolved += changed;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return resolved;
}

/** The place in the ext files that a tagsCode field points to, or undefined when it is a tagsCode: addresses are -2^63 + place, below -2^31. */
function extOffset(piece: Buffer, at: number): number | undefined {
  const high = piece.readInt32BE(at);
  const low = piece.readUInt32BE(at + 4);
  const isAddress = high < -1 || (high === -1 && low < INT32_RANGE);
  return isAddress ? (high + INT32_RANGE) * UINT32_RANGE + low : undefined;
}

/** The ext files of one queue, read from their start to their end. */
class ExtUnits {
  private readonly fileBytes: number;
  private file: StoreFile | undefined = undefined;
  private fileStart = -1;
  private readonly head = Buffer.alloc(UNIT_HEAD_BYTES);

  constructor(
    private readonly folder: string,
    private readonly fileSystem: FileSystem,
  ) {
    const first = fileSystem.list(folder).find(({ name }) => parseOffsetFileName(name) !== undefined);
    this.fileBytes = first === undefined ? 0 : (fileSystem.stat(join(folder, first.name))?.sizeBytes ?? 0);
  }

  copyTagsCode(offset: number, target: Buffer, targetAt: number): void {
    if (this.fileBytes === 0) throw this.missing(offset);
    const fileStart = offset - (offset % this.fileBytes);
    if (fileStart !== this.fileStart) this.openAt(fileStart, offset);
    const file = this.file;
    if (file === undefined || readFullySync(file, this.head, 0, UNIT_HEAD_BYTES, offset - fileStart) < UNIT_HEAD_BYTES)
      throw this.missing(offset);
    if (this.head.readInt16BE(0) < MIN_UNIT_BYTES) throw this.missing(offset);
    this.head.copy(target, targetAt, 2, UNIT_HEAD_BYTES);
  }

  close(): void {
    this.file?.close();
    this.file = undefined;
  }

  private openAt(fileStart: number, offset: number): void {
    this.close();
    const path = join(this.folder, offsetFileName(fileStart));
    if (this.fileSystem.stat(path) === undefined) throw this.missing(offset);
    this.file = this.fileSystem.open(path);
    this.fileStart = fileStart;
  }

  private missing(offset: number): StoreError {
    return new StoreError(
      'STORE_FOREIGN_LAYOUT',
      `A consume queue entry points at place ${offset} of ${this.folder}, and no unit stands there. Move the folders consumequeue and ` +
        'consumequeue_ext away: the queues are then made again from the commit log.',
      { folder: this.folder, offset },
    );
  }
}
