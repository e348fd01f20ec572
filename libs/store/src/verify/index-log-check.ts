import { MessageLayout } from '@rocknest/protocol';
import * as defaults from '../defaults.js';
import { KeyBatch } from '../index-file/key-batch.js';
import { viewOf } from '../index-file/index-layout.js';
import { addRecordKeys } from '../index-file/record-keys.js';
import type { Findings } from './finding.js';
import { indexRemedy } from './index-check.js';
import type { IndexEntries, PlacedEntry } from './index-entries.js';

export interface IndexLogFacts {
  /** The log goes so far. */
  readonly endOffset: number;
  readonly mayBeBehind: boolean;
  /** Files that were told of already. */
  readonly toldPaths: ReadonlySet<string>;
  /** The message that stood there is lost, or a repair put something in its place. */
  readonly isLost: (physicalOffset: number) => boolean;
  /** Where the index lies. */
  readonly folder: string;
}

interface WrongEntry {
  readonly entry: PlacedEntry;
  /** A message stands there, but it has no such key. */
  readonly hasRecord: boolean;
}

/** Wrong entries that are remembered until it is known which parts of the log are damaged. */
const MAX_REMEMBERED = 100_000;
const TAGS_PROPERTY = Buffer.from('TAGS\u0001');

/**
 * Does each entry of the index lead to a message with such a key, and each message between the first and the last entry have its entries? Entries and
 * messages stand in the same order, so the check goes along with the walk over the log.
 */
export class IndexLogCheck {
  private readonly keys = new KeyBatch(1, defaults.MAX_PROPERTIES_BYTES);
  private readonly wrong: WrongEntry[] = [];
  private readonly found: number[] = [];
  private buffer: Buffer | undefined = undefined;
  private view: DataView | undefined = undefined;
  private hasBegun = false;
  private missing = 0;
  private firstMissing = 0;
  private lastMissing = 0;

  constructor(
    private readonly entries: IndexEntries,
    /** Where the log begins: entries of messages before it, which retention removed, are left alone. */
    private readonly minOffset: number,
  ) {}

  /** Takes the next whole record of the log. */
  match(buffer: Buffer, at: number, sizeBytes: number, physicalOffset: number): void {
    const { entries } = this;
    while (entries.current !== undefined && entries.current.physicalOffset < physicalOffset)
      this.pass(entries.current, false);
    if (entries.current === undefined) return;
    const isIndexed = entries.current.physicalOffset === physicalOffset;
    this.hasBegun ||= isIndexed;
    if (!this.hasBegun) return;
    this.hashKeys(buffer, at, sizeBytes, physicalOffset);
    this.found.length = 0;
    while (entries.current?.physicalOffset === physicalOffset) {
      const { keyHash } = entries.current;
      if (this.hasKey(keyHash)) {
        if (!this.found.includes(keyHash)) this.found.push(keyHash);
        entries.next();
      } else {
        this.pass(entries.current, true);
      }
    }
    if (this.lacksEntries(buffer, at, sizeBytes)) this.noteMissing(physicalOffset);
  }

  /** The walk has ended. */
  tell(facts: IndexLogFacts, findings: Findings): void {
    const { entries } = this;
    while (entries.current !== undefined && entries.current.physicalOffset < facts.endOffset)
      this.pass(entries.current, false);
    const byPath = new Map<string, WrongEntry[]>();
    for (const wrong of this.wrong) {
      const { path, physicalOffset } = wrong.entry;
      if (facts.toldPaths.has(path) || facts.isLost(physicalOffset)) continue;
      const list = byPath.get(path);
      if (list === undefined) byPath.set(path, [wrong]);
      else list.push(wrong);
    }
    for (const [path, list] of byPath) this.tellWrong(path, list, facts, findings);
    // A file that is damaged is told of: what it should have held need not be told as well.
    if (this.missing > 0 && !entries.isPartial && byPath.size === 0 && facts.toldPaths.size === 0)
      this.tellMissing(facts, findings);
  }

  private tellWrong(path: string, list: readonly WrongEntry[], facts: IndexLogFacts, findings: Findings): void {
    const [{ entry, hasRecord }] = list;
    const what = hasRecord ? 'to a message that has no such key' : 'where no message begins';
    const more = list.length > 1 ? `, and ${list.length - 1} more entries are wrong` : '';
    findings.add({
      kind: 'INDEX_DAMAGED',
      severity: facts.mayBeBehind ? 'notice' : 'damage',
      path,
      position: entry.position,
      physicalOffset: entry.physicalOffset,
      count: list.length,
      text: `the index file is damaged: entry ${entry.index} leads to offset ${entry.physicalOffset} of the log, ${what}${more}`,
      remedy: indexRemedy(facts.mayBeBehind),
    });
  }

  private tellMissing({ folder }: IndexLogFacts, findings: Findings): void {
    findings.add({
      kind: 'INDEX_INCOMPLETE',
      severity: 'notice',
      path: folder,
      physicalOffset: this.firstMissing,
      endPhysicalOffset: this.lastMissing,
      count: this.missing,
      text: `${this.missing} messages, the first at offset ${this.firstMissing} and the last at ${this.lastMissing} of the log, cannot be found by key: the index leaves them out, though it knows of later ones`,
      remedy:
        'rocknest store repair --rebuild-index moves the index away, and the next start makes it again from the log; a broker without messageIndexEnable leaves such gaps',
    });
  }

  /** An entry that leads to no message with its key. */
  private pass(entry: PlacedEntry, hasRecord: boolean): void {
    if (entry.physicalOffset >= this.minOffset && this.wrong.length < MAX_REMEMBERED)
      this.wrong.push({ entry, hasRecord });
    this.entries.next();
  }

  private hashKeys(buffer: Buffer, at: number, sizeBytes: number, physicalOffset: number): void {
    if (this.buffer !== buffer || this.view === undefined) {
      this.buffer = buffer;
      this.view = viewOf(buffer);
    }
    this.keys.clear();
    addRecordKeys(
      buffer,
      this.view,
      at,
      sizeBytes,
      this.view.getInt32(at + MessageLayout.MAGIC),
      physicalOffset,
      this.keys,
    );
  }

  private hasKey(keyHash: number): boolean {
    const { hashes, count } = this.keys;
    for (let i = 0; i < count; i++) if (hashes[i] === keyHash) return true;
    return false;
  }

  /** Brokers before 5.4.0 have no entries for tags, which come last. */
  private lacksEntries(buffer: Buffer, at: number, sizeBytes: number): boolean {
    const { hashes, count } = this.keys;
    const { found } = this;
    if (found.length >= count) return false;
    const hasTags = buffer.subarray(at, at + sizeBytes).includes(TAGS_PROPERTY);
    const needed = hasTags ? count - 1 : count;
    for (let i = 0; i < needed; i++) if (!found.includes(hashes[i])) return true;
    return false;
  }

  private noteMissing(physicalOffset: number): void {
    if (this.missing++ === 0) this.firstMissing = physicalOffset;
    this.lastMissing = physicalOffset;
  }
}
