import type { MetadataSnapshot } from '../metadata/index.js';
import { MAX_ENTRY_NOTES, MAX_NAMES_IN_LINE } from './defaults.js';

/** Names for one line: the first few, and how many there are beside them. */
export function namesForLine(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES_IN_LINE).join(', ');
  const rest = names.length - MAX_NAMES_IN_LINE;
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}

/** How many entries a snapshot has, for messages. */
export function countsOf({
  topics,
  groups,
  offsets,
  delayOffsets,
  requestModes,
  orderInfos,
}: MetadataSnapshot): string {
  return (
    `${topics.length} topics, ${groups.length} subscription groups, ${offsets.length} consumer offsets, ` +
    `${delayOffsets.size} delay level offsets, ${requestModes.length} request modes and ${orderInfos.length} states of orderly pops`
  );
}

/** Collects lines about single entries, as many as a human reads; the rest is counted. */
export class EntryNotes {
  private readonly lines: string[] = [];
  private count = 0;

  add(line: string): void {
    if (++this.count <= MAX_ENTRY_NOTES) this.lines.push(line);
  }

  all(): string[] {
    const rest = this.count - MAX_ENTRY_NOTES;
    return rest > 0 ? [...this.lines, `... and ${rest} more entries that were left out`] : [...this.lines];
  }
}
