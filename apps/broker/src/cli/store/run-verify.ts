import { verifyStore, type Finding, type VerifyReport } from '@rocknest/store';
import { parseDelayLevels } from '../../schedule/delay-level-table.js';
import { UsageError } from '../cli-errors.js';
import type { CliIo } from '../cli-io.js';
import { checkInterrupted } from '../cli-io.js';
import type { CommandInput } from '../command.js';
import { ExitCode } from '../exit-codes.js';
import { formatBytes, formatDuration, ProgressLine } from '../progress-line.js';
import { surveyOptions } from './store-flags.js';
import { timeOf } from './time-of.js';
import type { verifyFlags } from './verify-command.js';

/** What each step of a check is called. */
export const VERIFY_STEPS = {
  LOG: 'checking the commit log',
  CONSUME_QUEUES: 'checking the consume queues',
  INDEX: 'checking the index',
  TIMER: 'checking the timer log',
} as const;

/** `rocknest store verify DIR` */
export async function runVerify(
  { operands: [rootPath], flags }: CommandInput<typeof verifyFlags>,
  io: CliIo,
): Promise<ExitCode> {
  const progress = new ProgressLine(io);
  let report: VerifyReport;
  try {
    report = await verifyStore({
      ...surveyOptions(rootPath, flags),
      delayLevelsMs: delayLevels(flags['delay-levels'], 'verify'),
      inUse: flags['in-use'],
      maxFindings: flags['max-findings'],
      onProgress: ({ step, doneBytes, totalBytes }) => {
        checkInterrupted(io);
        progress.update({ what: VERIFY_STEPS[step], doneBytes, totalBytes });
      },
    });
  } finally {
    progress.clear();
  }
  await io.out(flags.json ? jsonOf(report) : textOf(report, flags.topics));
  return report.damageCount > 0 ? ExitCode.DAMAGE : ExitCode.OK;
}

/** The flag `--delay-levels`; throws `UsageError`. */
export function delayLevels(text: string | undefined, command: string): readonly number[] | undefined {
  if (text === undefined) return undefined;
  try {
    return parseDelayLevels(text);
  } catch (error) {
    throw new UsageError(`--delay-levels: ${(error as Error).message}`, ['store', command]);
  }
}

function textOf(report: VerifyReport, withQueues: boolean): string {
  const { survey, log, queues, findings } = report;
  const lines = [
    `store          ${survey.rootPath}, ${report.cleanStop ? 'closed properly' : 'not closed properly'}`,
    `commit log     ${survey.logFiles.length} files of ${formatBytes(survey.segmentSizeBytes)}, offsets ${log.minOffset} to ${log.endOffset} (${formatBytes(log.endOffset - log.minOffset)})`,
    `messages       ${log.records} in ${formatBytes(log.recordBytes)}${timeRange(report)}`,
    `consume queues ${queues.length} of ${new Set(queues.map(({ topic }) => topic)).size} topics, ${sum(queues, 'messages')} entries${extras(report)}`,
    `checkpoint     ${checkpointLine(report)}`,
    ...(report.timer === undefined ? [] : [`timer          ${timerLine(report.timer)}`]),
    ...(withQueues ? ['', ...queueLines(report)] : []),
    '',
    ...findings.flatMap(findingLines),
  ];
  if (report.omittedFindings > 0) lines.push(`... and ${report.omittedFindings} more (--max-findings)`, '');
  lines.push(conclusion(report), '');
  return lines.join('\n');
}

function timeRange({ log: { firstStoreTimestamp, lastStoreTimestamp } }: VerifyReport): string {
  if (firstStoreTimestamp === undefined || lastStoreTimestamp === undefined) return '';
  return `, stored ${timeOf(firstStoreTimestamp)} to ${timeOf(lastStoreTimestamp)}`;
}

function extras({ queues }: VerifyReport): string {
  const expired = sum(queues, 'expired');
  const fillers = sum(queues, 'fillers');
  return (
    (expired > 0 ? `, ${expired} of messages that retention removed` : '') +
    (fillers > 0 ? `, ${fillers} fillers that stand for no message` : '')
  );
}

function sum(queues: VerifyReport['queues'], field: 'messages' | 'expired' | 'fillers'): number {
  return queues.reduce((total, queue) => total + queue[field], 0);
}

function checkpointLine({ checkpoint: { found, damage, point, times } }: VerifyReport): string {
  if (!found) return 'none';
  if (damage !== undefined) return `damaged: ${damage}`;
  if (point !== undefined) return `at offset ${point.physicalOffset}, flushed to ${point.flushedOffset}`;
  return `of Apache RocketMQ, at ${timeOf(times.physicMsgTimestamp)}`;
}

function timerLine({ waitingMessages, units, deliveredUntilMs }: NonNullable<VerifyReport['timer']>): string {
  const until =
    deliveredUntilMs === undefined ? '' : `, everything due before ${timeOf(deliveredUntilMs)} is delivered`;
  return `${waitingMessages} messages wait, ${units} units in the timer log${until}`;
}

function queueLines({ queues }: VerifyReport): string[] {
  const names = queues.map(({ topic, queueId }) => `${topic}/${queueId}`);
  const width = Math.max(5, ...names.map((name) => name.length));
  return [
    `${'queue'.padEnd(width)} ${'min'.padStart(12)} ${'max'.padStart(12)} ${'messages'.padStart(12)}`,
    ...queues.map(
      ({ minOffset, maxOffset, messages }, index) =>
        `${names[index].padEnd(width)} ${String(minOffset).padStart(12)} ${String(maxOffset).padStart(12)} ${String(messages).padStart(12)}`,
    ),
  ];
}

/** A finding for people: what, where, what to do. */
export function findingLines({ severity, kind, path, position, text, remedy }: Finding): string[] {
  const place = position === undefined ? path : `${path} at byte ${position}`;
  return [`${severity === 'damage' ? 'DAMAGE' : 'notice'} ${kind}: ${text}`, `  in ${place}`, `  ${remedy}`, ''];
}

function conclusion(report: VerifyReport): string {
  const { damageCount, noticeCount, readBytes, durationMs } = report;
  const seconds = durationMs / 1000;
  const effort = `${formatBytes(readBytes)} read in ${formatDuration(seconds)}`;
  const notices = noticeCount === 0 ? '' : `, ${noticeCount} ${noticeCount === 1 ? 'notice' : 'notices'}`;
  if (damageCount === 0) return `no damage found${notices}; ${effort}`;
  const what = `${damageCount} ${damageCount === 1 ? 'damage' : 'damages'} found${notices}; ${effort}`;
  return `${what}\nrocknest store repair ${report.survey.rootPath} tells what can be done, and does it with --apply`;
}

function jsonOf(report: VerifyReport): string {
  const { survey, checkpoint, ...rest } = report;
  const { found, damage, point, times } = checkpoint;
  const { rootPath, segmentSizeBytes, fileEntries, logFiles } = survey;
  const store = { rootPath, segmentSizeBytes, queueFileEntries: fileEntries, logFiles: logFiles.length };
  return `${JSON.stringify({ store, checkpoint: { found, damage, point, times }, ...rest }, undefined, 2)}\n`;
}
