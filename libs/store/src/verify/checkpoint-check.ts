import { join } from 'node:path';
import type { StoreCheckpoint } from '../checkpoint/store-checkpoint.js';
import type { Findings } from './finding.js';

export interface CheckpointFacts {
  readonly rootPath: string;
  readonly logEndOffset: number;
  readonly logIsEmpty: boolean;
  /** A record ends at the offset that the checkpoint names; undefined: it names none. */
  readonly pointIsBorder: boolean | undefined;
  /** Entries in all queue files, fillers included. */
  readonly entryCount: number;
  readonly mayBeBehind: boolean;
}

/** Can what the checkpoint says be true of this store? */
export function checkCheckpoint(checkpoint: StoreCheckpoint, facts: CheckpointFacts, findings: Findings): void {
  const path = join(facts.rootPath, 'checkpoint');
  if (!checkpoint.found) {
    if (facts.logIsEmpty) return;
    findings.add({
      kind: 'CHECKPOINT_MISSING',
      severity: 'damage',
      path,
      text: 'there is no checkpoint',
      remedy: 'the next start reads the whole log and makes the consume queues and the checkpoint again',
    });
    return;
  }
  const damaged = checkpoint.damage;
  if (damaged !== undefined) {
    findings.add({
      kind: 'CHECKPOINT_DAMAGED',
      severity: 'damage',
      path,
      text: `the checkpoint is damaged: ${damaged}`,
      remedy: 'the next start reads the whole log and makes the consume queues and the checkpoint again',
    });
    return;
  }
  const { point } = checkpoint;
  if (point === undefined) return;
  if (point.flushedOffset > facts.logEndOffset || point.physicalOffset > facts.logEndOffset) {
    const reached = Math.max(point.flushedOffset, point.physicalOffset);
    findings.add({
      kind: 'LOG_TOO_SHORT',
      severity: 'damage',
      path,
      physicalOffset: facts.logEndOffset,
      endPhysicalOffset: reached,
      text: `the checkpoint says that the log reached offset ${reached}; its last whole message ends at ${facts.logEndOffset}`,
      remedy:
        'put the files of the log back from a backup; otherwise what lacks is lost, and the next start goes on without it',
    });
  } else if (facts.pointIsBorder === false) {
    findings.add({
      kind: 'CHECKPOINT_DAMAGED',
      severity: 'damage',
      path,
      physicalOffset: point.physicalOffset,
      text: `the checkpoint names offset ${point.physicalOffset}, where no message begins`,
      remedy: 'the next start goes back to an older place, and reads the log from there',
    });
  }
  if (point.entryCount > facts.entryCount) {
    findings.add({
      kind: 'QUEUE_FILES',
      severity: 'damage',
      path,
      count: point.entryCount - facts.entryCount,
      text: `the consume queues hold ${facts.entryCount} entries; when the checkpoint was taken they held ${point.entryCount}`,
      remedy: 'the next start makes all consume queues again from the log',
    });
  }
}
