import { RecordDecoder } from '../commit-log/record-check.js';
import type { RecordReader } from '../commit-log/record-reader.js';
import type { FlushDiskType } from '../types.js';
import { SCAN_PIECE_BYTES } from '../defaults.js';
import { LogScanner } from '../recovery/log-scanner.js';
import { RawAppender, type RawAppenderParts } from './raw-appender.js';
import { RawLogReader } from './raw-log-reader.js';
import { StoreReplication } from './store-replication.js';

export interface ReplicationSettings {
  readonly flushDiskType: FlushDiskType;
  readonly delayLevelsMs: readonly number[];
}

/** Wires what replication needs of a store. */
export function buildReplication(
  settings: ReplicationSettings,
  parts: Omit<RawAppenderParts, 'decoder'> & { readonly reader: RecordReader },
): StoreReplication {
  const { tail, segments, handles, writer, dispatch, reader } = parts;
  const decoder = new RecordDecoder(settings.delayLevelsMs);
  const rawReader = new RawLogReader(
    tail,
    segments,
    handles,
    (physicalOffset) => reader.allowsSync(physicalOffset),
    () => writer.writtenOffset,
  );
  const appender = new RawAppender(settings.flushDiskType, { ...parts, decoder });
  return new StoreReplication(appender, rawReader, dispatch, segments.segmentSizeBytes, (fromOffset, visit) =>
    new LogScanner(segments, handles, SCAN_PIECE_BYTES).scan(fromOffset, visit),
  );
}
