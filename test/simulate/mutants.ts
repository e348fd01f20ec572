import type { FileSystem, StoreFile } from '../../libs/store/src/io/file-system.js';
import { LogScanner, type LogEnd, type RecordVisitor } from '../../libs/store/src/recovery/log-scanner.js';
import { PendingAppend } from '../../libs/store/src/commit-log/pending-append.js';
import { readFullySync } from '../../libs/store/src/io/transfer.js';
import type { SimVariant } from '../../libs/store/src/simulation/sim-run.js';

/** A fault put into the store or the machine under it, which the simulator must notice. */
export interface Mutant {
  readonly name: string;
  readonly variant?: SimVariant;
  /** Changes code of the store. @returns what takes it back. */
  readonly install?: () => () => void;
}

/** The same object with some methods of its own. */
function altered<T extends object>(real: T, changes: Partial<T>): T {
  return new Proxy(real, {
    get(target, name) {
      if (name in changes) return changes[name as keyof T];
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

/** A file system whose files of one kind are changed. */
function withFiles(pattern: RegExp, change: (file: StoreFile) => Partial<StoreFile>): SimVariant {
  return {
    wrapFileSystem: (real) =>
      altered(real, {
        open: (path, options) => {
          const file = real.open(path, options);
          return pattern.test(path) ? altered(file, change(file)) : file;
        },
      }),
  };
}

/** A file system with some calls changed. */
function withCalls(change: (real: FileSystem) => Partial<FileSystem>): SimVariant {
  return { wrapFileSystem: (real) => altered(real, change(real)) };
}

/** Like an fdatasync that was forgotten: the answer comes, the bytes stay in the page cache. */
const noSync = (file: StoreFile): Partial<StoreFile> => ({
  syncData: (done) => {
    // A read takes its time as well, and changes nothing.
    file.read(Buffer.alloc(1), 0, 1, 0, () => {
      done(undefined);
    });
  },
  syncDataSync: () => undefined,
});

/** The scan of recovery without its CRC check. */
function installScanWithoutCrc(): () => void {
  const original = LogScanner.prototype.scan;
  LogScanner.prototype.scan = async function (this: LogScanner, from: number, visit: RecordVisitor): Promise<LogEnd> {
    const { segments, handles } = this as unknown as {
      segments: { at(offset: number): { path: string; startOffset: number } | undefined };
      handles: { open(path: string): StoreFile };
    };
    for (let offset = from; ;) {
      const end = await original.call(this, offset, visit);
      const segment = segments.at(end.physicalOffset);
      if (segment === undefined || !end.reason.includes('CRC')) return end;
      const position = end.physicalOffset - segment.startOffset;
      const head = Buffer.alloc(4);
      readFullySync(handles.open(segment.path), head, 0, head.length, position);
      const record = Buffer.alloc(head.readInt32BE(0));
      readFullySync(handles.open(segment.path), record, 0, record.length, position);
      visit(record, 0, record.length, end.physicalOffset);
      offset = end.physicalOffset + record.length;
    }
  };
  return () => {
    LogScanner.prototype.scan = original;
  };
}

function installSecondAnswer(): () => void {
  const original = PendingAppend.prototype.answer;
  PendingAppend.prototype.answer = function (this: PendingAppend): void {
    const isFirst = !this.answered;
    original.call(this);
    if (!isFirst || this.messageCount < 2) return;
    this.answered = false;
    original.call(this);
  };
  return () => {
    PendingAppend.prototype.answer = original;
  };
}

export const mutants: readonly Mutant[] = [
  {
    name: 'answers before the write',
    variant: {
      wrapFileSystem: (real, process) =>
        altered(real, {
          open: (path, options) => {
            const file = real.open(path, options);
            if (!path.includes('commitlog')) return file;
            const later = (source: Uint8Array, from: number, length: number, position: number): number => {
              const copy = Uint8Array.from(source.subarray(from, from + length));
              process.clock.startTimer(() => {
                const own = real.open(path);
                own.writeSync(copy, 0, length, position);
                own.close();
              }, 3);
              return length;
            };
            return altered(file, {
              writeSync: later,
              write: (source, from, length, position, done) => {
                later(source, from, length, position);
                process.clock.defer(() => {
                  done(undefined, length);
                });
              },
            });
          },
        }),
    },
  },
  { name: 'forgets the fdatasync of the log', variant: withFiles(/commitlog/, noSync) },
  { name: 'forgets the fdatasync of the consume queues', variant: withFiles(/consumequeue/, noSync) },
  {
    name: 'forgets to sync the folder of a new segment',
    variant: withCalls((real) => ({
      syncFolder: (path, done) => {
        if (path.includes('commitlog')) real.syncFolder('/disk', done);
        else real.syncFolder(path, done);
      },
    })),
  },
  {
    name: 'forgets to sync the folders of the queues',
    variant: withCalls((real) => ({
      syncFolder: (path, done) => {
        if (path.includes('consumequeue')) real.syncFolder('/disk', done);
        else real.syncFolder(path, done);
      },
    })),
  },
  {
    name: 'does not notice that the last stop was not clean',
    variant: withCalls((real) => ({
      stat: (path) => (path.endsWith('/abort') ? undefined : real.stat(path)),
    })),
  },
  {
    name: 'cuts a torn tail at the wrong place',
    variant: withFiles(/commitlog/, (file) => ({
      truncate: (sizeBytes) => {
        file.truncate(Math.ceil(sizeBytes / 512) * 512);
      },
    })),
  },
  {
    name: 'cuts more than the torn tail',
    variant: withFiles(/commitlog/, (file) => ({
      truncate: (sizeBytes) => {
        file.truncate(sizeBytes % 512 === 0 ? sizeBytes : sizeBytes - 1);
      },
    })),
  },
  { name: 'does not check the CRC in recovery', install: installScanWithoutCrc },
  { name: 'answers a batch twice', install: installSecondAnswer },
];
