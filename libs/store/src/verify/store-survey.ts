import { join } from 'node:path';
import { CONSUME_QUEUE_FILE_ENTRIES, SEGMENT_SIZE_BYTES } from '../defaults.js';
import { ASIDE_PREFIX } from '../consume-queue/consume-queue-store.js';
import { ENTRY_BYTES } from '../consume-queue/queue-entry.js';
import { LogSegment } from '../commit-log/log-segment.js';
import { StoreError } from '../errors.js';
import { parseOffsetFileName } from '../io/file-name.js';
import type { FileSystem } from '../io/file-system.js';

/** A file as it lies there. */
export interface SurveyedFile {
  /** Byte offset that its name states. */
  readonly start: number;
  readonly path: string;
  readonly sizeBytes: number;
  readonly allocatedBytes: number;
}

export interface SurveyedQueue {
  readonly topic: string;
  readonly queueId: number;
  readonly folder: string;
  /** By start. */
  readonly files: readonly SurveyedFile[];
  readonly foreign: readonly string[];
}

/** What lies in a store folder, by names and sizes alone. */
export interface StoreSurvey {
  readonly rootPath: string;
  readonly commitLogPath: string;
  readonly consumeQueuePath: string;
  /** By start. */
  readonly logFiles: readonly SurveyedFile[];
  /** Names in the folder of the commit log that are no log files. */
  readonly foreignLogFiles: readonly string[];
  readonly segmentSizeBytes: number;
  readonly fileEntries: number;
  readonly queues: readonly SurveyedQueue[];
}

export interface SurveyOptions {
  readonly rootPath: string;
  readonly commitLogPath?: string;
  /** Default: what most files of the log have. */
  readonly segmentSizeBytes?: number;
  /** Default: what most queue files have. */
  readonly consumeQueueFileEntries?: number;
}

/** Lists a store. Throws `STORE_NOT_FOUND` for a folder that is none. */
export function surveyStore(options: SurveyOptions, fileSystem: FileSystem): StoreSurvey {
  const { rootPath } = options;
  const commitLogPath = options.commitLogPath ?? join(rootPath, 'commitlog');
  const consumeQueuePath = join(rootPath, 'consumequeue');
  needStore(rootPath, commitLogPath, fileSystem);
  const { files: logFiles, foreign } = listFiles(commitLogPath, fileSystem);
  const queues = listQueues(consumeQueuePath, fileSystem);
  const queueSizes = queues.flatMap(({ files }) => files.map(({ sizeBytes }) => sizeBytes));
  return {
    rootPath,
    commitLogPath,
    consumeQueuePath,
    logFiles,
    foreignLogFiles: foreign,
    segmentSizeBytes: options.segmentSizeBytes ?? guessSegmentSize(logFiles),
    fileEntries: options.consumeQueueFileEntries ?? guessFileEntries(queueSizes),
    queues,
  };
}

function needStore(rootPath: string, commitLogPath: string, fileSystem: FileSystem): void {
  const fail = (text: string): never => {
    throw new StoreError('STORE_NOT_FOUND', text, { rootPath });
  };
  if (fileSystem.stat(rootPath) === undefined) fail(`There is no folder ${rootPath}.`);
  let names: string[];
  try {
    names = fileSystem.list(rootPath).map(({ name }) => name);
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOTDIR' ? 'is a file, no folder' : (error as Error).message;
    throw new StoreError(
      'STORE_NOT_FOUND',
      `${rootPath} cannot be used as a store: ${reason}.`,
      { rootPath },
      { cause: error },
    );
  }
  if (fileSystem.stat(commitLogPath) !== undefined || names.includes('checkpoint')) return;
  if (names.some((name) => parseOffsetFileName(name) !== undefined))
    fail(`${rootPath} holds log files, but is not a store folder itself: name the folder above it.`);
  if (fileSystem.stat(join(rootPath, 'store', 'commitlog')) !== undefined)
    fail(`${rootPath} is no store: it has no folder commitlog. There is one in ${join(rootPath, 'store')}.`);
  fail(
    `${rootPath} is no store: it has no folder commitlog. Name the folder that the broker's storePathRootDir names.`,
  );
}

function listFiles(folder: string, fileSystem: FileSystem): { files: SurveyedFile[]; foreign: string[] } {
  const files: SurveyedFile[] = [];
  const foreign: string[] = [];
  for (const entry of fileSystem.list(folder)) {
    const path = join(folder, entry.name);
    const start = parseOffsetFileName(entry.name);
    const stat = entry.isFolder ? undefined : fileSystem.stat(path);
    if (start === undefined || stat === undefined) foreign.push(path);
    else files.push({ start, path, sizeBytes: stat.sizeBytes, allocatedBytes: stat.allocatedBytes });
  }
  files.sort((a, b) => a.start - b.start);
  return { files, foreign };
}

function listQueues(folder: string, fileSystem: FileSystem): SurveyedQueue[] {
  const queues: SurveyedQueue[] = [];
  for (const topic of fileSystem.list(folder)) {
    if (!topic.isFolder || topic.name.startsWith(ASIDE_PREFIX)) continue;
    for (const entry of fileSystem.list(join(folder, topic.name))) {
      if (!entry.isFolder || !/^\d{1,10}$/.test(entry.name)) continue;
      const queueFolder = join(folder, topic.name, entry.name);
      const { files, foreign } = listFiles(queueFolder, fileSystem);
      queues.push({ topic: topic.name, queueId: Number(entry.name), folder: queueFolder, files, foreign });
    }
  }
  return queues.sort((a, b) => (a.topic === b.topic ? a.queueId - b.queueId : a.topic < b.topic ? -1 : 1));
}

/** What most of the files have, as far as their names fit it: a truncated file must not mislead. */
function guessSegmentSize(files: readonly SurveyedFile[]): number {
  const starts = files.map(({ start }) => start).filter((start) => start > 0);
  const fits = (size: number): boolean => size > 0 && starts.every((start) => start % size === 0);
  const common = mostCommon(files.map(({ sizeBytes }) => sizeBytes).filter(fits));
  if (common !== undefined) return common;
  const divisor = starts.reduce((a, b) => greatestDivisor(a, b), 0);
  return divisor > 0 ? divisor : SEGMENT_SIZE_BYTES;
}

function guessFileEntries(sizes: readonly number[]): number {
  const common = mostCommon(sizes.filter((size) => size > 0 && size % ENTRY_BYTES === 0));
  return common === undefined ? CONSUME_QUEUE_FILE_ENTRIES : common / ENTRY_BYTES;
}

function mostCommon(values: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best: number | undefined;
  // Of several that are as common, the largest: files are cut short more easily than made longer.
  for (const [value, count] of counts) {
    const bestCount = best === undefined ? 0 : (counts.get(best) ?? 0);
    if (count > bestCount || (count === bestCount && value > (best ?? 0))) best = value;
  }
  return best;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** The files of a log as segments, whatever lacks between them. */
export class LogRow {
  readonly all: readonly LogSegment[];
  private readonly byStart = new Map<number, LogSegment>();

  constructor(
    files: readonly SurveyedFile[],
    readonly segmentSizeBytes: number,
  ) {
    this.all = files
      .filter(({ start }) => start % segmentSizeBytes === 0)
      .map(({ start, path }) => new LogSegment(start, segmentSizeBytes, path));
    for (const segment of this.all) this.byStart.set(segment.startOffset, segment);
  }

  get minOffset(): number {
    return this.all.length === 0 ? 0 : this.all[0].startOffset;
  }

  get endOffset(): number {
    return this.all.at(-1)?.endOffset ?? 0;
  }

  at(physicalOffset: number): LogSegment | undefined {
    return this.byStart.get(physicalOffset - (physicalOffset % this.segmentSizeBytes));
  }
}
