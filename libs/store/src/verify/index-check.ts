import { join } from 'node:path';
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
import type { FileSystem } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFullySync } from '../io/transfer.js';
import type { Findings } from './finding.js';
import { IndexSlotCheck } from './index-slot-check.js';

export interface IndexFacts {
  readonly rootPath: string;
  readonly logEndOffset: number;
  /** Undefined: those of RocketMQ; files of another size are then looked at from outside only. */
  readonly sizes: IndexSizes | undefined;
  /** Recovery makes files again that were not closed properly. */
  readonly mayBeBehind: boolean;
}

const FILE_NAME = /^\d{17}$/;
const PIECE_ENTRIES = 50_000;
/** Byte of an entry at which the number of the entry before it in its slot stands. */
const PREVIOUS_AT = 16;

/** Can the files of the index be what they say? Headers, entries, slots with their chains, and that nothing points behind the log. */
export function checkIndex(fileSystem: FileSystem, handles: HandlePool, facts: IndexFacts, findings: Findings): void {
  const folder = join(facts.rootPath, 'index');
  const sizes = facts.sizes ?? { slots: MAX_HASH_SLOT_NUM, entries: MAX_INDEX_NUM };
  let slots: IndexSlotCheck | undefined;
  for (const { name, isFolder } of fileSystem.list(folder)) {
    if (isFolder || !FILE_NAME.test(name)) continue;
    const path = join(folder, name);
    const problem = problemOf(path, handles, facts, sizes, () => (slots ??= new IndexSlotCheck(sizes)));
    if (problem === undefined) continue;
    findings.add({
      kind: 'INDEX_DAMAGED',
      severity: facts.mayBeBehind ? 'notice' : 'damage',
      path,
      position: problem.position,
      text: `the index file is damaged: ${problem.text}`,
      remedy: facts.mayBeBehind
        ? 'the next start makes it again from the log if it must'
        : 'no message is lost; rocknest store repair moves the index away, and the next start makes it again from the log',
    });
  }
}

interface Problem {
  readonly position: number;
  readonly text: string;
}

function problemOf(
  path: string,
  handles: HandlePool,
  facts: IndexFacts,
  sizes: IndexSizes,
  slotCheck: () => IndexSlotCheck,
): Problem | undefined {
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
  return hasItsSize ? entryProblem(path, handles, header, sizes, slotCheck()) : undefined;
}

function entryProblem(
  path: string,
  handles: HandlePool,
  header: IndexHeader,
  sizes: IndexSizes,
  slots: IndexSlotCheck,
): Problem | undefined {
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
  }
  return slots.problemOf(handles.open(path));
}
