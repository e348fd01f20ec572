/** What a check of a store can find; stable, for programs. docs/guides/store-maintenance.md explains each. */
export type FindingKind =
  /** The commit log lacks a file between two others. */
  | 'LOG_FILE_MISSING'
  /** A file of the commit log has not the size of the others. */
  | 'LOG_FILE_SIZE'
  /** Something else lies in the folder. */
  | 'FOREIGN_FILE'
  /** Bytes that are no record stand before whole records. */
  | 'LOG_DAMAGED'
  /** Only the filler at the end of a file is damaged: no message is lost. */
  | 'LOG_FILLER_DAMAGED'
  /** Bytes that are no record stand behind the last whole one. */
  | 'LOG_TORN_TAIL'
  /** The checkpoint says that the log was longer. */
  | 'LOG_TOO_SHORT'
  /** The files of a consume queue form no row, or have a wrong size. */
  | 'QUEUE_FILES'
  /** Entries lack between others. */
  | 'QUEUE_HOLE'
  /** An entry does not fit the record it points at. */
  | 'QUEUE_ENTRY_WRONG'
  /** An entry points where no record stands. */
  | 'QUEUE_ENTRY_STRAY'
  /** Entries point at messages in a damaged part of the log. */
  | 'QUEUE_ENTRY_LOST'
  /** Records have no entry in their queue. */
  | 'QUEUE_ENTRY_MISSING'
  /** Records belong to a queue that has no files. */
  | 'QUEUE_ABSENT'
  | 'CHECKPOINT_MISSING'
  | 'CHECKPOINT_DAMAGED'
  /** The last run did not end properly. */
  | 'UNCLEAN_STOP'
  | 'INDEX_DAMAGED'
  /** Messages have no entries in the index, though later ones have. */
  | 'INDEX_INCOMPLETE'
  /** A file of the timer is not what it should be; the messages themselves are in the commit log. */
  | 'TIMER_DAMAGED';

export interface Finding {
  readonly kind: FindingKind;
  /** `damage`: something is lost or must be repaired. `notice`: worth knowing, the next start copes with it. */
  readonly severity: 'damage' | 'notice';
  readonly path: string;
  /** Byte in the file. */
  readonly position?: number;
  /** Range of the log, or where the record stands. */
  readonly physicalOffset?: number;
  readonly endPhysicalOffset?: number;
  readonly topic?: string;
  readonly queueId?: number;
  readonly queueOffset?: number;
  /** How many of the kind are summed up here. */
  readonly count?: number;
  /** What was found, as a sentence. */
  readonly text: string;
  /** What happens with it, or what to do. */
  readonly remedy: string;
}

/** Keeps the first findings and counts all: a store that is damaged everywhere must not fill the memory. */
export class Findings {
  readonly listed: Finding[] = [];
  damageCount = 0;
  noticeCount = 0;
  omitted = 0;

  constructor(private readonly maxListed: number) {}

  add(finding: Finding): void {
    if (finding.severity === 'damage') this.damageCount++;
    else this.noticeCount++;
    if (this.listed.length < this.maxListed) this.listed.push(finding);
    else this.omitted++;
  }
}
