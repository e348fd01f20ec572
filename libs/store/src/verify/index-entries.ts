import { join } from 'node:path';
import {
  decodeIndexHeader,
  entryPosition,
  INDEX_ENTRY_BYTES,
  INDEX_HEADER_BYTES,
  indexFileBytes,
  readIndexEntry,
  viewOf,
  type IndexEntry,
  type IndexSizes,
} from '../index-file/index-layout.js';
import { isIndexFileName } from '../index-file/index-file-name.js';
import type { FileSystem } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFullySync } from '../io/transfer.js';

const PIECE_ENTRIES = 50_000;

interface EntryFile {
  readonly path: string;
  readonly indexCount: number;
  readonly endPhyOffset: number;
}

/** An entry, and where it stands. */
export interface PlacedEntry extends IndexEntry {
  readonly path: string;
  readonly index: number;
  readonly position: number;
}

/** The paths of the files of an index, oldest first. */
export function indexFilePaths(fileSystem: FileSystem, rootPath: string): string[] {
  const folder = join(rootPath, 'index');
  return fileSystem
    .list(folder)
    .filter(({ name, isFolder }) => !isFolder && isIndexFileName(name))
    .map(({ name }) => join(folder, name))
    .sort();
}

/** The entries of all files of an index, one after the other: they stand in the order of the log. Files and entries that can't be right are left out. */
export class IndexEntries {
  /** The next one, or undefined behind the last. */
  current: PlacedEntry | undefined = undefined;
  /** Something was left out. */
  isPartial = false;
  private readonly files: EntryFile[] = [];
  private readonly piece = Buffer.allocUnsafeSlow(PIECE_ENTRIES * INDEX_ENTRY_BYTES);
  private readonly view = viewOf(this.piece);
  private pieceFrom = 0;
  private pieceTo = 0;
  private index = 0;
  private previousOffset = 0;

  constructor(
    paths: readonly string[],
    private readonly sizes: IndexSizes,
    private readonly handles: HandlePool,
  ) {
    for (const path of paths) this.add(path);
    this.begin();
  }

  get isEmpty(): boolean {
    return this.files.length === 0;
  }

  next(): void {
    this.index++;
    this.read();
  }

  private add(path: string): void {
    const file = this.handles.open(path);
    const head = Buffer.alloc(INDEX_HEADER_BYTES);
    const { sizeBytes } = file.stat();
    const isWhole =
      sizeBytes === indexFileBytes(this.sizes) && readFullySync(file, head, 0, head.length, 0) === head.length;
    const { indexCount, endPhyOffset } = decodeIndexHeader(head);
    if (isWhole && indexCount <= this.sizes.entries) this.files.push({ path, indexCount, endPhyOffset });
    else this.isPartial = true;
  }

  private begin(): void {
    this.index = 1;
    this.pieceFrom = this.pieceTo = 0;
    this.read();
  }

  private read(): void {
    const file = this.files.at(0);
    if (file === undefined) {
      this.current = undefined;
      return;
    }
    if (this.index >= file.indexCount) return this.endFile();
    if (this.index >= this.pieceTo) this.readPiece(file);
    const entry = readIndexEntry(this.view, (this.index - this.pieceFrom) * INDEX_ENTRY_BYTES);
    const { physicalOffset } = entry;
    if (physicalOffset < this.previousOffset || physicalOffset > file.endPhyOffset) {
      this.isPartial = true;
      return this.endFile();
    }
    this.previousOffset = physicalOffset;
    this.current = {
      ...entry,
      path: file.path,
      index: this.index,
      position: entryPosition(this.sizes, this.index),
    };
  }

  private readPiece({ path, indexCount }: EntryFile): void {
    const count = Math.min(PIECE_ENTRIES, indexCount - this.index);
    const position = entryPosition(this.sizes, this.index);
    this.piece.fill(0, 0, count * INDEX_ENTRY_BYTES);
    readFullySync(this.handles.open(path), this.piece, 0, count * INDEX_ENTRY_BYTES, position);
    this.pieceFrom = this.index;
    this.pieceTo = this.index + count;
  }

  private endFile(): void {
    this.files.shift();
    this.begin();
  }
}
