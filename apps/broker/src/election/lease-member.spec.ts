import { SystemClock } from '@rocknest/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { LeaseMember, type Replica } from './lease-member.js';
import type { LeaseCandidate, LeaseClaim, LeaseRecord, LeaseStore, LeaseView } from './lease-store/lease-store.js';
import type { MasterTerm } from './master-term.js';

const FAR_MS = 600_000;

/** A lease in memory that ends when the test says so. */
class MemoryLease implements LeaseStore {
  readonly name = 'memory';
  record: LeaseRecord | undefined;
  expired = false;
  reads = 0;

  private get view(): LeaseView | undefined {
    return this.record && { record: this.record, remainingMs: this.expired ? 0 : FAR_MS };
  }

  async read(): Promise<LeaseView | undefined> {
    this.reads++;
    return this.view;
  }

  async create(candidate: LeaseCandidate, epoch: number): Promise<LeaseView> {
    this.record ??= { ...candidate, epoch, inSyncIds: [candidate.holderId], version: 0 };
    return this.view!;
  }

  async acquire(candidate: LeaseCandidate, seen: LeaseRecord): Promise<LeaseView | undefined> {
    if (this.expired && this.record === seen) {
      this.expired = false;
      const { holderId } = candidate;
      this.record = { ...candidate, epoch: seen.epoch + 1, inSyncIds: [holderId], version: seen.version + 1 };
    }
    return this.view;
  }

  async renew(_claim: LeaseClaim): Promise<LeaseView | undefined> {
    return this.view;
  }

  async changeInSync(): Promise<LeaseView | undefined> {
    return this.view;
  }

  async release(): Promise<void> {
    this.expired = true;
  }

  async close(): Promise<void> {}
}

let lease: MemoryLease;
let member: LeaseMember;
let terms: MasterTerm[];
let leaders: LeaseRecord[];
let lines: string[];
let replica: { -readonly [key in keyof Replica]: Replica[key] };

const candidate = (holderId: number): LeaseCandidate => ({
  group: 'g',
  holderId,
  holderToken: `run-${holderId}`,
  brokerAddress: `10.0.0.${holderId}:10911`,
  haAddress: `10.0.0.${holderId}:10912`,
});

const record = (fields: Partial<LeaseRecord>): LeaseRecord => ({
  ...candidate(2),
  epoch: 3,
  inSyncIds: [1, 2],
  version: 5,
  ...fields,
});

beforeEach(() => {
  lease = new MemoryLease();
  terms = [];
  leaders = [];
  lines = [];
  replica = {
    logEndOffset: 1_000,
    lastEpoch: 3,
    isElectable: true,
    lead: (term) => void terms.push(term),
    follow: (leader) => void leaders.push(leader),
  };
  const keep = (line: string): void => void lines.push(line);
  member = new LeaseMember(
    lease,
    replica,
    {
      candidate: candidate(1),
      ttlMs: FAR_MS,
      renewMs: 5,
      pollMs: 5,
      marginMs: 0,
      maxLagMs: FAR_MS,
      requestTimeoutMs: FAR_MS,
      foundingDelayMs: FAR_MS,
    },
    new SystemClock(),
    { log: keep, warn: keep, error: keep },
  );
});

afterEach(() => member.stop());

/** Until the member has looked at the lease a few times more. */
async function looks(): Promise<void> {
  const target = lease.reads + 3;
  await waitFor(() => lease.reads >= target, 'the member to look');
}

describe('a member', () => {
  it('leads when the lease has expired, and it is in sync with the epoch of the record', async () => {
    lease.record = record({});
    member.start();
    await looks();
    expect(leaders).toEqual([lease.record]);
    expect(terms).toEqual([]);
    lease.expired = true;
    await waitFor(() => terms.length > 0, 'the member to lead');
    expect(terms[0]).toMatchObject({ epoch: 4, isValid: true });
    expect(terms[0].inSync.ids).toEqual([1]);
  });

  it.each([
    ['it is not in sync', { inSyncIds: [2, 3] }, 3],
    ['its log was emptied since', {}, -1],
    ['its log has an older epoch', {}, 2],
  ])('does not lead when %s', async (_, fields, lastEpoch) => {
    lease.record = record(fields);
    lease.expired = true;
    replica.lastEpoch = lastEpoch;
    member.start();
    await looks();
    expect(terms).toEqual([]);
  });

  it('leads when it is in sync alone, whatever its log is', async () => {
    lease.record = record({ inSyncIds: [1] });
    lease.expired = true;
    replica.lastEpoch = 2;
    member.start();
    await waitFor(() => terms.length > 0, 'the member to lead');
  });

  it('founds a group with the messages that it has, and not when its log belongs to a group', async () => {
    replica.lastEpoch = -1;
    member.start();
    await waitFor(() => terms.length > 0, 'the member to found the group');
    expect(terms[0].epoch).toBe(1);
    await member.stop();
    lease.record = undefined;
    replica.lastEpoch = 3;
    member.start();
    await waitFor(() => lines.some((line) => /no record of the group/.test(line)), 'the refusal');
    expect(lease.record).toBeUndefined();
  });

  it('ends its term when another member has the lease, and follows that', async () => {
    lease.record = record({});
    lease.expired = true;
    member.start();
    await waitFor(() => terms.length > 0, 'the member to lead');
    lease.record = { ...candidate(2), epoch: 5, inSyncIds: [2], version: 9 };
    await waitFor(() => terms[0].isOver, 'the end of the term');
    expect(terms[0].isValid).toBe(false);
    await waitFor(() => leaders.at(-1)?.epoch === 5, 'the new leader');
  });

  it('lets the lease go when it stops', async () => {
    lease.record = record({});
    lease.expired = true;
    member.start();
    await waitFor(() => terms.length > 0, 'the member to lead');
    expect(lease.expired).toBe(false);
    await member.stop();
    expect(lease.expired).toBe(true);
    expect(terms[0].isOver).toBe(true);
  });
});
