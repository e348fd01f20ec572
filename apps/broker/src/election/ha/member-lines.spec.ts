import { EpochFile, EpochTable, SystemClock } from '@rocknest/store';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../../test/support/wait-for.js';
import { CutLine } from '../../spec-support/cut-line.js';
import { fill, rawLog, ReplicatedStores } from '../../spec-support/replicated-stores.js';
import { MasterTerm } from '../master-term.js';
import { MemberHaClient } from './member-ha-client.js';
import { MemberHaServer } from './member-ha-server.js';

const SEGMENT_BYTES = 64 * 1024;
const PATIENCE_MS = 60_000;
const SETTINGS = { haSendHeartbeatInterval: 40, haHousekeepingInterval: 60_000, haMaxConnections: 10 };
const EPOCH = 3;

const sizes = fc.array(fc.integer({ min: 0, max: 4_000 }), { minLength: 1, maxLength: 20 });

/** Within the handshakes (16 bytes, 20 and the epochs), a header of 36 bytes or a report of 12, within a record, between two, or after much. */
const lines = fc.array(
  fc.record({
    fromMaster: fc.oneof(fc.integer({ min: 1, max: 140 }), fc.integer({ min: 1, max: 100_000 })),
    fromSlave: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constant(Infinity)),
    pieceBytes: fc.integer({ min: 100, max: 70_000 }),
    puts: sizes,
  }),
  { minLength: 1, maxLength: 6 },
);

describe('a line between members of a group with a lease', () => {
  it(
    'may break at any byte of either side: the logs and their epochs are the same in the end',
    async () => {
      await fc.assert(
        fc.asyncProperty(sizes, lines, fc.integer({ min: 1_024, max: 100_000 }), async (before, cuts, batch) => {
          const stores = new ReplicatedStores(SEGMENT_BYTES);
          const { logger } = stores;
          const [master, slave] = [await stores.open('master'), await stores.open('slave')];
          const gate = master.replication.holdUnconfirmed();
          gate.confirm(Number.MAX_SAFE_INTEGER);
          await Promise.all(fill(master, before));
          const epochs = new EpochTable([
            { epoch: 1, startOffset: 0 },
            { epoch: EPOCH, startOffset: master.maxPhysicalOffset },
          ]);
          const record = {
            group: 'cluster/members',
            epoch: EPOCH,
            holderId: 1,
            holderToken: 'token',
            brokerAddress: '',
            haAddress: '',
            inSyncIds: [1, 2],
            version: 1,
          };
          const term = new MasterTerm(1, record, Infinity, new SystemClock());
          const progress = (): void => {
            term.inSync.advance(master.maxPhysicalOffset, term.acks);
            server.wake();
          };
          const server = new MemberHaServer(
            master,
            term,
            epochs,
            { ...SETTINGS, haTransferBatchSize: batch },
            progress,
            logger,
          );
          master.replication.onWritten(progress);
          const address = `127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
          const slaveGate = slave.replication.holdUnconfirmed();
          const slaveFile = new EpochFile(stores.folder('slave'));
          let cutAt: number | undefined;
          const options = {
            memberId: 2,
            heartbeatMs: 40,
            housekeepingMs: 60_000,
            onCut: (physicalOffset: number) => void (cutAt = physicalOffset),
            onConnected: () => undefined,
          };
          const client = new MemberHaClient(slave, slaveGate, new EpochTable(), slaveFile, options, logger);
          const hasAll = (): boolean => term.acks.ackOf(2) === master.maxPhysicalOffset;
          client.start();
          try {
            for (const { puts, ...cut } of cuts) {
              await Promise.all(fill(master, puts));
              const line = await CutLine.open(address, cut);
              client.setLeader({ haAddress: line.address, epoch: EPOCH });
              await waitFor(() => line.isCut || hasAll(), 'the line to break, or to be done', PATIENCE_MS);
              line.close();
            }
            client.setLeader({ haAddress: address, epoch: EPOCH });
            await waitFor(hasAll, 'the slave to have all', PATIENCE_MS);
            const end = master.maxPhysicalOffset;
            await waitFor(() => slaveGate.confirmedOffset === end, 'the slave to know it is confirmed', PATIENCE_MS);
            expect((await rawLog(slave, 0)).equals(await rawLog(master, 0))).toBe(true);
            expect(slaveFile.load().entries).toEqual(epochs.entries);
            expect(cutAt).toBeUndefined();
            for (const queueId of [0, 1])
              expect(slave.maxOffset('Orders', queueId)).toBe(master.maxOffset('Orders', queueId));
            expect(stores.lines.filter((text) => /no message|contradict|has been sent no more/.test(text))).toEqual([]);
          } finally {
            client.stop();
            await server.stop();
            await stores.close();
          }
        }),
        { numRuns: 12, endOnFailure: true },
      );
    },
    4 * PATIENCE_MS,
  );
});
