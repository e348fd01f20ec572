import { join } from 'node:path';
import { LMQ_PREFIX } from '@rocknest/protocol';
import { ENTRY_BYTES } from '../consume-queue/queue-entry.js';
import { StoreError } from '../errors.js';
import { parseOffsetFileName } from '../io/file-name.js';
import type { FileSystem } from '../io/file-system.js';

export interface LayoutQuestion {
  readonly rootPath: string;
  readonly consumeQueuePath: string;
  readonly consumeQueueFileEntries: number;
}

/** Every RocksDB folder has this file. */
const ROCKSDB_FILE = 'CURRENT';
const BATCH_QUEUE_FOLDER = 'batchconsumequeue';
const DLEDGER_PREFIX = 'dledger-';
/** Queues that are looked into to tell the size of their files: it is one for the whole store. */
const PROBED_QUEUES = 4;

/** Light queues (RocketMQ's LMQ) point at messages of other topics: they are neither loaded nor touched. */
export function isLightQueue(topic: string): boolean {
  return topic.startsWith(LMQ_PREFIX);
}

/**
 * Apache RocketMQ has layouts that this store does not read. Recovery would take the queues for missing, and make them again beside what
 * RocketMQ goes on from.
 *
 * @throws StoreError STORE_FOREIGN_LAYOUT that names what was found and what to do.
 */
export function refuseForeignLayout(question: LayoutQuestion, fileSystem: FileSystem): void {
  const { rootPath, consumeQueuePath } = question;
  if (fileSystem.stat(join(consumeQueuePath, ROCKSDB_FILE)) !== undefined) {
    throw refusal(
      consumeQueuePath,
      `The consume queues of ${rootPath} are kept in RocksDB (storeType=defaultRocksDB), which Rocknest does not read. Move ${consumeQueuePath} ` +
        'away: the queues are then made again from the commit log, in files. Queues whose messages have all expired begin at 0 again.',
    );
  }
  const dledger = fileSystem.list(rootPath).find(({ name, isFolder }) => isFolder && name.startsWith(DLEDGER_PREFIX));
  if (dledger !== undefined) {
    throw refusal(
      join(rootPath, dledger.name),
      `The commit log of ${rootPath} is kept by DLedger (${dledger.name}), in a layout that Rocknest does not read. Only stores of brokers with ` +
        'enableDLegerCommitLog=false can be opened.',
    );
  }
  const batchQueues = join(rootPath, BATCH_QUEUE_FOLDER);
  const topics = fileSystem.list(batchQueues).filter(({ isFolder }) => isFolder);
  if (topics.length > 0) {
    const names = topics.map(({ name }) => name).join(', ');
    throw refusal(
      batchQueues,
      `${rootPath} has topics with queues of batches (queue.type=BatchCQ), which Rocknest does not read: ${names}. Delete these topics with ` +
        `RocketMQ's mqadmin, or move ${batchQueues} away to go on without their messages.`,
    );
  }
  refuseOtherFileSize(question, fileSystem);
}

function refuseOtherFileSize(
  { consumeQueuePath, consumeQueueFileEntries }: LayoutQuestion,
  fileSystem: FileSystem,
): void {
  const expected = consumeQueueFileEntries * ENTRY_BYTES;
  let other: { path: string; sizeBytes: number } | undefined;
  let probed = 0;
  for (const topic of fileSystem.list(consumeQueuePath)) {
    if (!topic.isFolder || topic.name.startsWith('.')) continue;
    for (const queue of fileSystem.list(join(consumeQueuePath, topic.name))) {
      const folder = join(consumeQueuePath, topic.name, queue.name);
      const file = fileSystem.list(folder).find(({ name }) => parseOffsetFileName(name) !== undefined);
      if (file === undefined) continue;
      const path = join(folder, file.name);
      const sizeBytes = fileSystem.stat(path)?.sizeBytes ?? 0;
      // A crash may leave a short file; RocketMQ's other sizes are the same for all.
      if (sizeBytes === expected || sizeBytes === 0 || sizeBytes % ENTRY_BYTES !== 0) return;
      if (other !== undefined && other.sizeBytes !== sizeBytes) return;
      other = { path, sizeBytes };
      if (++probed === PROBED_QUEUES) throw otherSize(other, expected);
    }
  }
  if (other !== undefined && other.sizeBytes > expected) throw otherSize(other, expected);
}

function otherSize({ path, sizeBytes }: { path: string; sizeBytes: number }, expected: number): StoreError {
  return refusal(
    path,
    `The consume queue files have ${sizeBytes} bytes (${path}) instead of ${expected}: the store was made with another mappedFileSizeConsumeQueue. ` +
      'Move the consumequeue folder away: the queues are then made again from the commit log. Queues whose messages have all expired begin at 0 again.',
  );
}

function refusal(path: string, message: string): StoreError {
  return new StoreError('STORE_FOREIGN_LAYOUT', message, { path });
}
