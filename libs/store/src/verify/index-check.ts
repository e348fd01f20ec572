import { MAX_HASH_SLOT_NUM, MAX_INDEX_NUM } from '../defaults.js';
import {
  decodeIndexHeader,
  entryPosition,
  INDEX_ENTRY_BYTES,
  INDEX_HEADER_BYTES,
  indexFileBytes,
  readIndexEntry,
  type IndexHeader,
  type IndexSizes,
} from '../index-file/index-layout.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFullySync } from '../io/transfer.js';
import type { Findings } from './finding.js';
import { IndexSlotCheck } from './index-slot-check.js';

export interface IndexFacts {
  readonly logEndOffset: number;
  /** Undefined: those of RocketMQ; files of another size are then looked at from outside only. */
  readonly sizes: IndexSizes | undefined;
  /** Recovery makes files again that were not closed properly. */
  readonly mayBeBehind: boolean;
}

/** The sizes of an index that nobody set others for. */
export const RMQ_INDEX_SIZES: IndexSizes = { slots: MAX_HASH_SLOT_NUM, entries: MAX_INDEX_NUM };
const PIECE_ENTRIES = 50_000;
/** Byte of an entry at which the number of the entry before it in its slot stands. */
const PREVIOUS_AT = 16;

/** How far the check of the index is. */
export type IndexProgress = (doneBytes: number, totalBytes: number) => Promise<void>;

/**
 * Can the files of the index be what they say? Headers, entries, slots with their chains, and that nothing points behind the log.
 *
 * @param paths of the files, in their order
 * @returns those that are damaged
 */
export async function checkIndex(
  paths: readonly string[],
  handles: HandlePool,
  facts: IndexFacts,
  findings: Findings,
  onProgress: IndexProgress,
): Promise<Set<string>> {
  const damaged = new Set<string>();
  const sizes = facts.sizes ?? RMQ_INDEX_SIZES;
  const headers = paths.map((path) => headerOf(path, handles));
  const totalBytes = headers.reduce((sum, { entryBytes }) => sum + entryBytes, 0);
  let doneBytes = 0;
  let slots: IndexSlotCheck | undefined;
  for (const [i, path] of paths.entries()) {
    const problem = await problemOf(path, handles, facts, sizes, {
      slots: () => (slots ??= new IndexSlotCheck(sizes)),
      onProgress: (fileBytes) => onProgress(doneBytes + fileBytes, totalBytes),
    });
    doneBytes += headers[i].entryBytes;
    await onProgress(doneBytes, totalBytes);
    if (problem === undefined) continue;
    damaged.add(path);
    findings.add({
      kind: 'INDEX_DAMAGED',
      severity: facts.mayBeBehind ? 'notice' : 'damage',
      path,
      position: problem.position,
      text: `the index file is damaged: ${problem.text}`,
      remedy: indexRemedy(facts.mayBeBehind),
    });
  }
  return damaged;
}

/** What becomes of a damaged index. */
export function indexRemedy(mayBeBehind: boolean): string {
  return mayBeBehind
    ? 'the next start makes it again from the log if it must'
    : 'no message is lost; rocknest store repair moves the index away, and the next start makes it again from the log';
}

interface EntryWork {
  readonly slots: () => IndexSlotCheck;
  readonly onProgress: (doneBytes: number) => Promise<void>;
}

interface Problem {
  readonly position: number;
  readonly text: string;
}

async function problemOf(
  path: string,
  handles: HandlePool,
  facts: IndexFacts,
  sizes: IndexSizes,
  work: EntryWork,
): Promise<Problem | undefined> {
  const file = handles.open(path);
  const { sizeBytes } = file.stat();
  const hasItsSize = sizeBytes === indexFileBytes(sizes);
  if (!hasItsSize && facts.sizes !== undefined)
    return { position: sizeBytes, text: `it has ${sizeBytes} bytes instead of ${indexFileBytes(sizes)}` };
  const head = Buffer.alloc(INDEX_HEADER_BYTES);
  if (readFullySync(file, head, 0, head.length, 0) < head.length)
    return { position: 0, text: `it has ${sizeBytes} bytes` };
  const header = decodeIndexHeader(head);
  const maxCount = hasItsSize ? sizes.entries : Math.floor(sizeBytes / INDEX_ENTRY_BYTES);
  if (header.indexCount > maxCount) return { position: 36, text: `it counts ${header.indexCount} entries` };
  if (header.beginPhyOffset > header.endPhyOffset || header.beginPhyOffset < 0)
    return { position: 16, text: `it goes from log offset ${header.beginPhyOffset} to ${header.endPhyOffset}` };
  if (header.endPhyOffset >= facts.logEndOffset && header.indexCount > 1)
    return {
      position: 24,
      text: `it goes to log offset ${header.endPhyOffset}; the log ends at ${facts.logEndOffset}`,
    };
  return hasItsSize ? entryProblem(path, handles, header, sizes, work) : undefined;
}

async function entryProblem(
  path: string,
  handles: HandlePool,
  header: IndexHeader,
  sizes: IndexSizes,
  work: EntryWork,
): Promise<Problem | undefined> {
  const slots = work.slots();
  const buffer = Buffer.allocUnsafeSlow(PIECE_ENTRIES * INDEX_ENTRY_BYTES);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  let previousOffset = 0;
  slots.clear();
  for (let from = 1; from < header.indexCount; from += PIECE_ENTRIES) {
    const count = Math.min(PIECE_ENTRIES, header.indexCount - from);
    const position = entryPosition(sizes, from);
    readFullySync(handles.open(path), buffer, 0, count * INDEX_ENTRY_BYTES, position);
    for (let i = 0; i < count; i++) {
      const { keyHash, physicalOffset, previousIndex } = readIndexEntry(view, i * INDEX_ENTRY_BYTES);
      const index = from + i;
      const isInRow = physicalOffset >= previousOffset && physicalOffset <= header.endPhyOffset;
      const at = position + i * INDEX_ENTRY_BYTES;
      if (!isInRow || keyHash < 0) return { position: at, text: `entry ${index} makes no sense` };
      const expected = slots.follow(keyHash, index);
      if (previousIndex !== expected) {
        const text = `entry ${index} follows entry ${previousIndex} in its chain; the one before it in its slot is ${expected === 0 ? 'none' : expected}`;
        return { position: at + PREVIOUS_AT, text };
      }
      previousOffset = physicalOffset;
    }
    await work.onProgress((from - 1 + count) * INDEX_ENTRY_BYTES);
  }
  return slots.problemOf(handles.open(path));
}

function headerOf(path: string, handles: HandlePool): { entryBytes: number } {
  const head = Buffer.alloc(INDEX_HEADER_BYTES);
  readFullySync(handles.open(path), head, 0, head.length, 0);
  return { entryBytes: (decodeIndexHeader(head).indexCount - 1) * INDEX_ENTRY_BYTES };
}
