import { describe, expect, it } from 'vitest';
import { HaService } from '../../apps/broker/src/replication/ha-service.js';
import { RawLogCutter } from '../../libs/store/src/replication/raw-log-cutter.js';
import { RawLogReader } from '../../libs/store/src/replication/raw-log-reader.js';
import { playReplicationSeed } from './replication/play.js';

/** Far more than any of them needs. */
const MAX_SEEDS = 200;

/** Replaces a method. @returns what takes it back. */
function replaced<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  change: (original: T[K]) => T[K],
): () => void {
  const original = prototype[name];
  prototype[name] = change(original);
  return () => {
    prototype[name] = original;
  };
}

const mutants: readonly { readonly name: string; readonly install: () => () => void }[] = [
  {
    name: 'answers before a slave has the message',
    install: () => replaced(HaService.prototype, 'ackedBy', () => () => Number.MAX_SAFE_INTEGER),
  },
  {
    name: 'keeps half a record over a broken line',
    install: () =>
      replaced(RawLogCutter.prototype, 'restart', () => {
        return function (this: RawLogCutter, physicalOffset: number): void {
          this.offset = physicalOffset;
        };
      }),
  },
  {
    name: 'loses the last byte of what comes',
    install: () =>
      replaced(RawLogCutter.prototype, 'feed', (original) => {
        return function (this: RawLogCutter, bytes: Buffer): void {
          original.call(this, bytes.length > 40 ? bytes.subarray(0, bytes.length - 1) : bytes);
        };
      }),
  },
  {
    name: 'sends bytes that are not those of its log',
    install: () =>
      replaced(RawLogReader.prototype, 'readInto', (original) => {
        return function (this: RawLogReader, physicalOffset, target, maxBytes) {
          const read = original.call(this, physicalOffset, target, maxBytes);
          // The flag of a message: no CRC covers it.
          if (typeof read === 'number' && read > 20) target[16] ^= 1;
          return read;
        };
      }),
  },
];

describe('the simulator notices replication that', () => {
  for (const { name, install } of mutants) {
    it(
      name,
      async () => {
        const uninstall = install();
        let found: number | undefined;
        try {
          for (let seed = 1; seed <= MAX_SEEDS && found === undefined; seed++) {
            const { violation } = await playReplicationSeed(seed);
            // A crash of the simulator itself is no find.
            if (violation !== undefined && violation.invariant !== 'simulator') found = seed;
          }
        } finally {
          uninstall();
        }
        expect(found, `none of ${MAX_SEEDS} seeds`).toBeDefined();
      },
      120_000,
    );
  }
});
