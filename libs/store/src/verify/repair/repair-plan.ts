import { join } from 'node:path';
import { offsetFileName } from '../../io/file-name.js';
import type { Finding } from '../finding.js';
import { formatRange } from '../format-range.js';
import { damagedAt } from '../queue-row-check.js';
import type { VerifyReport } from '../verify-store.js';

/** One thing that a repair does. Each keeps what it takes away. */
export type RepairStep =
  /** A file of the commit log is too long: what is too much goes. */
  | { readonly kind: 'TRIM_FILE'; readonly path: string; readonly toBytes: number }
  /** A file of the commit log is too short or missing: it gets its size, with zeros. */
  | { readonly kind: 'EXTEND_FILE'; readonly path: string; readonly toBytes: number; readonly isMissing: boolean }
  /** A part of the log without whole messages gets records that both brokers read over. */
  | { readonly kind: 'FILL_RANGE'; readonly path: string; readonly fromOffset: number; readonly toOffset: number }
  /** The filler at the end of a file is written again. */
  | { readonly kind: 'WRITE_FILLER'; readonly path: string; readonly fromOffset: number; readonly toOffset: number }
  /** What stands behind the last message goes. */
  | { readonly kind: 'CUT_TAIL'; readonly path: string; readonly fromOffset: number; readonly toOffset: number }
  /** A consume queue is made again from the log. */
  | { readonly kind: 'REBUILD_QUEUE'; readonly topic: string; readonly queueId: number; readonly folder: string }
  /** The checkpoint is written anew, for what is there after the repair. */
  | { readonly kind: 'WRITE_CHECKPOINT'; readonly path: string }
  /** A file that the next start makes again goes. */
  | { readonly kind: 'SET_ASIDE'; readonly path: string; readonly why: string };

export interface PlanOptions {
  /** Make every queue again whose messages are in the log, those of deleted topics too. */
  readonly rebuildQueues: boolean;
  /** Set the index aside, which the next start makes again. */
  readonly rebuildIndex: boolean;
}

const QUEUE_DAMAGE: ReadonlySet<Finding['kind']> = new Set([
  'QUEUE_FILES',
  'QUEUE_HOLE',
  'QUEUE_ENTRY_WRONG',
  'QUEUE_ENTRY_STRAY',
  'QUEUE_ENTRY_LOST',
  'QUEUE_ENTRY_MISSING',
]);

/** What a repair would do about what a check has found; empty when nothing is to be done. */
export function planRepair(report: VerifyReport, options: PlanOptions): RepairStep[] {
  const log = [...fileSteps(report), ...rangeSteps(report), ...tailSteps(report)];
  const queues = queueSteps(report, options);
  const aside = asideSteps(report, options, log.length + queues.length > 0);
  return [...log, ...queues, ...aside];
}

/** The step as a sentence. */
export function describeStep(step: RepairStep): string {
  switch (step.kind) {
    case 'TRIM_FILE':
      return `cut ${step.path} to ${step.toBytes} bytes`;
    case 'EXTEND_FILE':
      return step.isMissing
        ? `make ${step.path} with ${step.toBytes} bytes of zeros`
        : `extend ${step.path} with zeros to ${step.toBytes} bytes`;
    case 'FILL_RANGE':
      return (
        `replace ${formatRange(step.fromOffset, step.toOffset)} in ${step.path} by records that are read over; ` +
        'each message that a consume queue knows there becomes an empty one with the property ROCKNEST_LOST'
      );
    case 'WRITE_FILLER':
      return `write the filler at the end of ${step.path} again, ${formatRange(step.fromOffset, step.toOffset)}; no message is lost`;
    case 'CUT_TAIL':
      return `cut ${formatRange(step.fromOffset, step.toOffset)} off ${step.path}, behind the last message`;
    case 'REBUILD_QUEUE':
      return `make the consume queue ${step.topic}-${step.queueId} again from the log`;
    case 'WRITE_CHECKPOINT':
      return `write ${step.path} anew, for what is there after the repair`;
    case 'SET_ASIDE':
      return `move ${step.path} away: ${step.why}`;
  }
}

function fileSteps({ survey, damagedRanges }: VerifyReport): RepairStep[] {
  const { logFiles, segmentSizeBytes, commitLogPath } = survey;
  const steps: RepairStep[] = [];
  for (const { start, path, sizeBytes } of logFiles) {
    if (start % segmentSizeBytes !== 0)
      steps.push({ kind: 'SET_ASIDE', path, why: 'its name fits no place of the log' });
    else if (sizeBytes > segmentSizeBytes) steps.push({ kind: 'TRIM_FILE', path, toBytes: segmentSizeBytes });
    else if (sizeBytes < segmentSizeBytes)
      steps.push({ kind: 'EXTEND_FILE', path, toBytes: segmentSizeBytes, isMissing: false });
  }
  for (const { fileMissing, fromOffset } of damagedRanges) {
    if (!fileMissing) continue;
    const path = join(commitLogPath, offsetFileName(fromOffset));
    steps.push({ kind: 'EXTEND_FILE', path, toBytes: segmentSizeBytes, isMissing: true });
  }
  return steps;
}

function rangeSteps({ survey, damagedRanges }: VerifyReport): RepairStep[] {
  const { commitLogPath, segmentSizeBytes } = survey;
  return damagedRanges.map(({ fromOffset, toOffset, isFiller }) => ({
    kind: isFiller ? ('WRITE_FILLER' as const) : ('FILL_RANGE' as const),
    path: join(commitLogPath, offsetFileName(fromOffset - (fromOffset % segmentSizeBytes))),
    fromOffset,
    toOffset,
  }));
}

function tailSteps({ survey, log, tornEndOffset }: VerifyReport): RepairStep[] {
  if (tornEndOffset <= log.endOffset) return [];
  const { commitLogPath, segmentSizeBytes } = survey;
  const steps: RepairStep[] = [];
  for (let from = log.endOffset; from < tornEndOffset;) {
    const start = from - (from % segmentSizeBytes);
    const to = Math.min(start + segmentSizeBytes, tornEndOffset);
    const path = join(commitLogPath, offsetFileName(start));
    if (survey.logFiles.some((file) => file.path === path))
      steps.push({ kind: 'CUT_TAIL', path, fromOffset: from, toOffset: to });
    from = to;
  }
  return steps;
}

function queueSteps(report: VerifyReport, { rebuildQueues }: PlanOptions): RepairStep[] {
  const { survey, findings, queues, damagedRanges } = report;
  const wanted = new Map<string, RepairStep>();
  const add = (topic: string, queueId: number): void => {
    const folder = join(survey.consumeQueuePath, topic, String(queueId));
    wanted.set(folder, { kind: 'REBUILD_QUEUE', topic, queueId, folder });
  };
  // Each queue of the list has its findings summed up, so that only a long list of single entries can be cut short.
  const isCutShort = report.omittedFindings > 0;
  for (const { topic, queueId, lost } of queues) if (lost > 0 || rebuildQueues || isCutShort) add(topic, queueId);
  // With fewer entries than the checkpoint counted, a queue without files is lost, and not that of a deleted topic.
  const areFilesGone = findings.some(({ kind, topic }) => kind === 'QUEUE_FILES' && topic === undefined);
  for (const { kind, severity, topic, queueId, physicalOffset } of findings) {
    if (topic === undefined || queueId === undefined) continue;
    const isAbsent = kind === 'QUEUE_ABSENT' && (rebuildQueues || areFilesGone);
    const isDamage = QUEUE_DAMAGE.has(kind) && severity === 'damage';
    const isLost = physicalOffset !== undefined && damagedAt(damagedRanges, physicalOffset) !== undefined;
    if (isDamage || isLost || isAbsent) add(topic, queueId);
  }
  return [...wanted.values()];
}

function isCheckpointWrong({ checkpoint, findings, log }: VerifyReport): boolean {
  if (!checkpoint.found) return log.records > 0;
  return findings.some(
    ({ kind, path }) =>
      kind === 'CHECKPOINT_DAMAGED' ||
      kind === 'LOG_TOO_SHORT' ||
      (kind === 'QUEUE_FILES' && path.endsWith('checkpoint')),
  );
}

function asideSteps(report: VerifyReport, { rebuildIndex }: PlanOptions, isChanged: boolean): RepairStep[] {
  const { rootPath } = report.survey;
  const { findings } = report;
  const steps: RepairStep[] = [];
  const path = join(rootPath, 'checkpoint');
  // After an unclean stop not everything is dispatched: recovery alone can tell where it is.
  if (isCheckpointWrong(report)) {
    if (report.cleanStop) steps.push({ kind: 'WRITE_CHECKPOINT', path });
    else if (report.checkpoint.found)
      steps.push({ kind: 'SET_ASIDE', path, why: 'the next start reads the whole log and makes it again' });
  }
  if (rebuildIndex || findings.some(({ kind, severity }) => kind === 'INDEX_DAMAGED' && severity === 'damage'))
    steps.push({ kind: 'SET_ASIDE', path: join(rootPath, 'index'), why: 'the next start makes it again from the log' });
  const timerPaths = findings.filter(({ kind, severity }) => kind === 'TIMER_DAMAGED' && severity === 'damage');
  for (const timerPath of new Set(timerPaths.map((finding) => finding.path)))
    steps.push({ kind: 'SET_ASIDE', path: timerPath, why: 'the next start makes it again from the messages' });
  if (isChanged || steps.length > 0)
    steps.push({ kind: 'SET_ASIDE', path: join(rootPath, 'queuetable'), why: 'a short cut that is made again' });
  return steps;
}
