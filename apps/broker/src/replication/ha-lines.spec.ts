import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { CutLine } from '../spec-support/cut-line.js';
import { fill, rawLog, ReplicatedStores } from '../spec-support/replicated-stores.js';
import { HaClient } from './ha-client.js';
import { HaService } from './ha-service.js';

const SEGMENT_BYTES = 64 * 1024;
const PATIENCE_MS = 60_000;
const SETTINGS = {
  brokerRole: 'ASYNC_MASTER',
  haSendHeartbeatInterval: 40,
  haHousekeepingInterval: 60_000,
  haMaxConnections: 10,
  haMaxGapNotInSync: 1_000_000_000,
} as const;

/** Within a header of 12 bytes or a report of 8, within a record, between two, or after much. */
const lines = fc.array(
  fc.record({
    fromMaster: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 100_000 })),
    fromSlave: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(Infinity)),
    pieceBytes: fc.integer({ min: 100, max: 70_000 }),
    puts: fc.array(fc.integer({ min: 0, max: 4_000 }), { minLength: 1, maxLength: 20 }),
  }),
  { minLength: 1, maxLength: 6 },
);

describe('a line between master and slave', () => {
  it(
    'may break at any byte of either side: the logs are the same in the end',
    async () => {
      await fc.assert(
        fc.asyncProperty(lines, fc.integer({ min: 1_024, max: 100_000 }), async (cuts, haTransferBatchSize) => {
          const stores = new ReplicatedStores(SEGMENT_BYTES);
          const [master, slave] = [await stores.open('master'), await stores.open('slave')];
          const service = new HaService(master, { ...SETTINGS, haTransferBatchSize }, stores.logger);
          const address = `127.0.0.1:${await service.listen('127.0.0.1', 0)}`;
          const options = { heartbeatMs: 40, housekeepingMs: 60_000, onState: () => undefined };
          const client = new HaClient(slave, options, stores.logger);
          const hasAll = (): boolean => service.ackedBy(1) === master.maxPhysicalOffset;
          client.start();
          try {
            for (const { puts, ...cut } of cuts) {
              await Promise.all(fill(master, puts));
              const line = await CutLine.open(address, cut);
              client.setMaster(line.address);
              await waitFor(() => line.isCut || hasAll(), 'the line to break, or to be done', PATIENCE_MS);
              line.close();
            }
            client.setMaster(address);
            await waitFor(hasAll, 'the slave to have all', PATIENCE_MS);
            const from = slave.minPhysicalOffset;
            expect(from % SEGMENT_BYTES).toBe(0);
            expect((await rawLog(slave, from)).equals(await rawLog(master, from))).toBe(true);
            for (const queueId of [0, 1])
              expect(slave.maxOffset('Orders', queueId)).toBe(master.maxOffset('Orders', queueId));
            expect(stores.lines.filter((line) => /no message|goes on at|has been sent no more/.test(line))).toEqual([]);
          } finally {
            client.stop();
            await service.stop();
            await stores.close();
          }
        }),
        { numRuns: 12, endOnFailure: true },
      );
    },
    4 * PATIENCE_MS,
  );
});
