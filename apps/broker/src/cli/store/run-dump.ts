import { StoreReader, type LogItem, type QueueItem, type RecordFilter, type TimerItem } from '@rocknest/store';
import { UsageError } from '../cli-errors.js';
import type { CliIo } from '../cli-io.js';
import { checkInterrupted } from '../cli-io.js';
import type { CommandInput, FlagValues } from '../command.js';
import { ExitCode } from '../exit-codes.js';
import { ProgressLine } from '../progress-line.js';
import type { dumpFlags } from './dump-command.js';
import { messageJson, messageText, timerJson, timerText } from './message-format.js';
import { surveyOptions } from './store-flags.js';
import { timeOf } from './time-of.js';

const TIMER_STEPS = { LOG: 'reading what was delivered', TIMER_LOG: 'reading the timer log' } as const;

type Flags = FlagValues<typeof dumpFlags>;

const RECORD_FLAGS = ['topic', 'queue', 'from-offset', 'to-offset', 'key', 'physical-offset'] as const;
/** Those of them that something else than messages takes. */
const OTHER_FLAGS: Readonly<Record<'checkpoint' | 'consume-queue' | 'timers', readonly string[]>> = {
  checkpoint: [],
  'consume-queue': ['from-offset', 'to-offset'],
  timers: ['topic', 'queue', 'key'],
};
const QUEUE_HEADER = `${'queueOffset'.padStart(12)} ${'physicalOffset'.padStart(16)} ${'size'.padStart(8)} tagsCode\n`;
const QUEUE_PATTERN = /^(.+)\/(\d{1,10})$/;

/** `rocknest store dump DIR` */
export async function runDump(
  { operands: [rootPath], flags }: CommandInput<typeof dumpFlags>,
  io: CliIo,
): Promise<ExitCode> {
  checkCombination(flags);
  const queue = flags['consume-queue'] === undefined ? undefined : parseQueue(flags['consume-queue']);
  const reader = await StoreReader.open({ ...surveyOptions(rootPath, flags), inUse: flags['in-use'] });
  try {
    if (flags.checkpoint) await dumpCheckpoint(reader, flags, io);
    else if (flags.timers) await dumpTimers(reader, flags, io);
    else if (queue !== undefined) await dumpQueue(reader, queue, flags, io);
    else await dumpMessages(reader, flags, io);
  } finally {
    reader.close();
  }
  return ExitCode.OK;
}

function checkCombination(flags: Flags): void {
  const fail = (message: string): never => {
    throw new UsageError(message, ['store', 'dump']);
  };
  const others = ['checkpoint', 'consume-queue', 'timers'] as const;
  const chosen = others.filter((name) => flags[name] !== undefined && flags[name] !== false);
  if (chosen.length > 1) fail(`--${chosen[0]} and --${chosen[1]} exclude each other`);
  const other = chosen.at(0);
  if (flags.delivered && other !== 'timers')
    fail('--delivered tells which timer messages are printed: it needs --timers');
  for (const name of RECORD_FLAGS) {
    if (flags[name] === undefined || other === undefined || OTHER_FLAGS[other].includes(name)) continue;
    if (other === 'timers') fail(`--${name} is a place in a queue or the log, and --timers goes by the timer log`);
    fail(`--${name} chooses messages, and --${other} prints none`);
  }
  if (
    flags['from-offset'] !== undefined &&
    flags['to-offset'] !== undefined &&
    flags['from-offset'] > flags['to-offset']
  )
    fail(`--from-offset ${flags['from-offset']} is behind --to-offset ${flags['to-offset']}`);
}

function parseQueue(text: string): { topic: string; queueId: number } {
  const match = QUEUE_PATTERN.exec(text);
  if (match === null)
    throw new UsageError(`--consume-queue is "${text}": TOPIC/QUEUE is needed, as in orders/3`, ['store', 'dump']);
  return { topic: match[1], queueId: Number(match[2]) };
}

async function dumpCheckpoint(reader: StoreReader, { json }: Flags, io: CliIo): Promise<void> {
  const { found, damage, times, point } = reader.checkpoint();
  if (json) return io.out(`${JSON.stringify({ found, damage, times, point })}\n`);
  if (!found) return io.out('there is no checkpoint\n');
  const lines = [
    ...(damage === undefined ? [] : [`damaged: ${damage}`]),
    `physicMsgTimestamp   ${times.physicMsgTimestamp} (${timeOf(times.physicMsgTimestamp)})`,
    `logicsMsgTimestamp   ${times.logicsMsgTimestamp} (${timeOf(times.logicsMsgTimestamp)})`,
    `indexMsgTimestamp    ${times.indexMsgTimestamp} (${timeOf(times.indexMsgTimestamp)})`,
    `masterFlushedOffset  ${times.masterFlushedOffset}`,
    `confirmPhyOffset     ${times.confirmPhyOffset}`,
    ...(point === undefined
      ? ['no recovery point (Apache RocketMQ writes none)']
      : [
          `recovery starts at   ${point.physicalOffset}`,
          `last record before   ${point.lastRecordOffset}`,
          `log flushed to       ${point.flushedOffset}`,
          `queue entries        ${point.entryCount}`,
        ]),
  ];
  return io.out(`${lines.join('\n')}\n`);
}

async function dumpQueue(
  reader: StoreReader,
  { topic, queueId }: { topic: string; queueId: number },
  flags: Flags,
  io: CliIo,
): Promise<void> {
  let printed = 0;
  for (const entry of reader.entries(topic, queueId, flags['from-offset'], flags['to-offset'])) {
    if (printed++ >= (flags.limit ?? Infinity)) return;
    if (printed === 1 && !flags.json) await io.out(QUEUE_HEADER);
    checkInterrupted(io);
    await io.out(flags.json ? `${JSON.stringify(entry)}\n` : entryText(entry));
  }
}

function entryText({ queueOffset, physicalOffset, sizeBytes, tagsCode, kind }: QueueItem): string {
  const offset = String(queueOffset).padStart(12);
  if (kind !== 'entry') return `${offset} ${kind}\n`;
  return `${offset} ${String(physicalOffset).padStart(16)} ${String(sizeBytes).padStart(8)} ${tagsCode}\n`;
}

async function dumpMessages(reader: StoreReader, flags: Flags, io: CliIo): Promise<void> {
  const filter: RecordFilter = {
    topic: flags.topic,
    queueId: flags.queue,
    fromOffset: flags['from-offset'],
    toOffset: flags['to-offset'],
    key: flags.key,
    physicalOffset: flags['physical-offset'],
  };
  const { minOffset, endOffset } = reader.logRange;
  const progress = new ProgressLine(io);
  let printed = 0;
  for await (const item of reader.records(filter, (offset) => {
    checkInterrupted(io);
    progress.update({ what: 'searching', doneBytes: offset - minOffset, totalBytes: endOffset - minOffset });
  })) {
    checkInterrupted(io);
    progress.clear();
    await io.out(itemText(item, flags));
    if (item.kind === 'record' && ++printed >= (flags.limit ?? Infinity)) break;
  }
  progress.clear();
  if (printed === 0) io.err('no message fits\n');
}

async function dumpTimers(reader: StoreReader, flags: Flags, io: CliIo): Promise<void> {
  const { topic, queue: queueId, key, delivered: isDoneWanted } = flags;
  const progress = new ProgressLine(io);
  let printed = 0;
  for await (const item of reader.timers({ topic, queueId, key, isDoneWanted }, ({ step, doneBytes, totalBytes }) => {
    checkInterrupted(io);
    progress.update({ what: TIMER_STEPS[step], doneBytes, totalBytes });
  })) {
    checkInterrupted(io);
    progress.clear();
    await io.out(timerItemText(item, flags));
    if (item.kind === 'timer' && ++printed >= (flags.limit ?? Infinity)) break;
  }
  progress.clear();
  if (printed === 0) io.err('no timer message fits\n');
}

function timerItemText(item: TimerItem, { json, body }: Flags): string {
  if (item.kind === 'timer') return json ? `${timerJson(item, body)}\n` : timerText(item, body);
  const { path, text } = item;
  if (json) return `${JSON.stringify({ problem: { path, text } })}\n`;
  return `--- ${path}: ${text}; rocknest store verify tells more\n`;
}

function itemText(item: LogItem, { json, body }: Flags): string {
  if (item.kind === 'record') return json ? `${messageJson(item.bytes, body)}\n` : messageText(item.bytes, body);
  const { fromOffset, toOffset, reason } = item;
  if (json) return `${JSON.stringify({ damaged: { fromOffset, toOffset, reason } })}\n`;
  return `--- offsets ${fromOffset} to ${toOffset}: no message (${reason})\n`;
}
