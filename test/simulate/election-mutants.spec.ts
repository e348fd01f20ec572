import { afterEach, describe, expect, it, vi } from 'vitest';
import { InSyncSet } from '../../apps/broker/src/election/in-sync-set.js';
import { LeaseMember } from '../../apps/broker/src/election/lease-member.js';
import { SlaveAcks } from '../../apps/broker/src/election/slave-acks.js';
import { EpochTable } from '../../libs/store/src/replication/epoch-table.js';
import { playGroupSeed } from './election/sim-group.js';

/** Far more than any of them needs. */
const MAX_SEEDS = 300;

const mutants: { name: string; install: () => void }[] = [
  {
    name: 'lets members lead that are not in sync',
    install: () => {
      vi.spyOn(LeaseMember.prototype as unknown as { isCandidate(): boolean }, 'isCandidate').mockReturnValue(true);
    },
  },
  {
    name: 'acknowledges without waiting for anybody',
    install: () => {
      vi.spyOn(SlaveAcks.prototype, 'ackOf').mockReturnValue(Infinity);
    },
  },
  {
    name: 'gives up a member before the store has confirmed that it is out',
    install: () => {
      const settle = InSyncSet.prototype.settle;
      vi.spyOn(InSyncSet.prototype, 'proposed').mockImplementation(function (this: InSyncSet, ids) {
        settle.call(this, { inSyncIds: ids, version: this.recordVersion + 1e-9 } as unknown as Parameters<
          typeof settle
        >[0]);
        (this as unknown as { version: number }).version = Math.floor(this.recordVersion);
      });
    },
  },
  {
    name: 'follows without cutting what only it has',
    install: () => {
      vi.spyOn(EpochTable.prototype, 'commonEnd').mockImplementation((ownEnd, _other, otherEnd) =>
        Math.min(ownEnd, otherEnd),
      );
    },
  },
];

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the simulator notices a group that', () => {
  for (const { name, install } of mutants) {
    it(name, async () => {
      install();
      let found: string | undefined;
      for (let seed = 1; seed <= MAX_SEEDS && found === undefined; seed++)
        // Its own checks may notice it before the simulator's do.
        found = await playGroupSeed(seed).then(({ violation }) => violation, String);
      expect(found, `none of ${MAX_SEEDS} seeds`).toBeDefined();
    });
  }
});
