import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LeaseCandidate, LeaseStore } from '../../apps/broker/src/election/lease-store/lease-store.js';
import { openLeaseStore } from '../../apps/broker/src/election/lease-store/open-lease-store.js';
import { waitFor } from '../support/wait-for.js';
import { leaseBackends, type LeasePlace } from './support/lease-backends.js';

const LONG_MS = 600_000;

describe.each(leaseBackends)('leases in $name', (backend) => {
  let place: LeasePlace;
  const stores: LeaseStore[] = [];

  const open = async (): Promise<LeaseStore> => {
    const store = await openLeaseStore(place.url, 10_000);
    stores.push(store);
    return store;
  };
  const candidate = (holderId: number, holderToken = `run-of-${holderId}`): LeaseCandidate => ({
    group: place.group,
    holderId,
    holderToken,
    brokerAddress: `127.0.0.1:1000${holderId}`,
    haAddress: `127.0.0.1:2000${holderId}`,
  });
  const claim = (holderId: number, epoch: number, holderToken = `run-of-${holderId}`) => ({
    group: place.group,
    epoch,
    holderToken,
  });

  beforeEach(async (context) => {
    if (backend.missing !== undefined) context.skip(backend.missing);
    place = await backend.create();
  });
  afterEach(async () => {
    if (backend.missing !== undefined) return;
    for (const store of stores.splice(0)) await store.close();
    await place.drop();
  });

  it('are made once: the first candidate has them', async () => {
    const [a, b] = [await open(), await open()];
    expect(await a.read(place.group)).toBeUndefined();
    const views = await Promise.all([a.create(candidate(1), 5, LONG_MS), b.create(candidate(2), 5, LONG_MS)]);
    const stored = (await a.read(place.group))!;
    expect(views.map(({ record }) => record)).toEqual([stored.record, stored.record]);
    const { holderId } = stored.record;
    expect(stored.record).toEqual({ ...candidate(holderId), epoch: 5, inSyncIds: [holderId], version: 0 });
    expect(stored.remainingMs).toBeGreaterThan(LONG_MS / 2);
    expect(stored.remainingMs).toBeLessThanOrEqual(LONG_MS);
  });

  it('are taken over only once they have expired, with the next epoch, by one of all that try', async () => {
    const [a, b, c] = [await open(), await open(), await open()];
    const { record } = await a.create(candidate(1), 1, LONG_MS);
    expect((await b.acquire(candidate(2), record, LONG_MS))?.record).toEqual(record);
    await a.release(claim(1, 1));
    await waitFor(async () => (await b.read(place.group))!.remainingMs <= 0, 'the lease to be released');
    const tries = await Promise.all([
      b.acquire(candidate(2), record, LONG_MS),
      c.acquire(candidate(3), record, LONG_MS),
    ]);
    const winner = (await a.read(place.group))!;
    expect(winner.remainingMs).toBeGreaterThan(0);
    const { holderId } = winner.record;
    expect([2, 3]).toContain(holderId);
    expect(winner.record).toEqual({ ...candidate(holderId), epoch: 2, inSyncIds: [holderId], version: 1 });
    for (const view of tries) expect(view?.record).toEqual(winner.record);
  });

  it('expire by the clock of the store', async () => {
    const [a, b] = [await open(), await open()];
    const { record } = await a.create(candidate(1), 1, 1_000);
    await waitFor(
      async () => (await b.acquire(candidate(2), record, LONG_MS))?.record.holderId === 2,
      'the lease to expire',
      30_000,
    );
    expect((await a.renew(claim(1, 1), LONG_MS))?.record).toMatchObject({ epoch: 2, holderId: 2 });
  });

  it('are renewed by their holder alone, also after they expired when nobody took them', async () => {
    const [a, b] = [await open(), await open()];
    await a.create(candidate(1), 1, 1_000);
    expect((await a.renew(claim(1, 1), LONG_MS))?.remainingMs).toBeGreaterThan(0);
    await a.release(claim(1, 1));
    await waitFor(async () => (await b.read(place.group))!.remainingMs <= 0, 'the lease to be released');
    expect((await a.renew(claim(1, 1), 30_000))?.remainingMs).toBeGreaterThan(1_000);
    await a.release(claim(1, 1));
    await waitFor(async () => (await b.read(place.group))!.remainingMs <= 0, 'the lease to be released again');
    // Another run of the same member, and an older epoch, are not the holder.
    await b.renew(claim(1, 1, 'another-run'), LONG_MS);
    await b.renew(claim(1, 0), LONG_MS);
    expect((await a.read(place.group))!.remainingMs).toBeLessThanOrEqual(0);
  });

  it('let one of two changes of the in-sync set win that started from the same version', async () => {
    const [a, b] = [await open(), await open()];
    await a.create(candidate(1), 1, LONG_MS);
    await Promise.all([a.changeInSync(claim(1, 1), 0, [3, 1]), b.changeInSync(claim(1, 1), 0, [2, 1])]);
    const { record } = (await a.read(place.group))!;
    expect(record.version).toBe(1);
    expect([
      [1, 2],
      [1, 3],
    ]).toContainEqual(record.inSyncIds);
    // A change that comes late starts from a version that is gone.
    expect((await b.changeInSync(claim(1, 1), 0, [1, 2, 3]))?.record).toEqual(record);
    expect((await b.changeInSync(claim(1, 1, 'another-run'), 1, [1, 2, 3]))?.record).toEqual(record);
    expect((await b.changeInSync(claim(1, 2), 1, [1, 2, 3]))?.record).toEqual(record);
    expect((await b.changeInSync(claim(1, 1), 1, [3, 2, 1]))?.record).toEqual({
      ...record,
      inSyncIds: [1, 2, 3],
      version: 2,
    });
  });

  it('are not taken by who saw another in-sync set than there is', async () => {
    const [a, b] = [await open(), await open()];
    const { record } = await a.create(candidate(1), 1, LONG_MS);
    const changed = (await a.changeInSync(claim(1, 1), 0, [1, 3]))!.record;
    await a.release(claim(1, 1));
    await waitFor(async () => (await b.read(place.group))!.remainingMs <= 0, 'the lease to be released');
    expect((await b.acquire(candidate(2), record, LONG_MS))?.record).toEqual(changed);
    expect((await b.acquire(candidate(3), changed, LONG_MS))?.record).toMatchObject({ epoch: 2, version: 2 });
  });

  it('of a holder that is none any more are neither released nor changed', async () => {
    const [a, b] = [await open(), await open()];
    const { record } = await a.create(candidate(1), 1, LONG_MS);
    await a.release(claim(1, 1));
    await waitFor(async () => (await b.read(place.group))!.remainingMs <= 0, 'the lease to be released');
    const taken = (await b.acquire(candidate(2), record, LONG_MS))!.record;
    await a.release(claim(1, 1));
    await a.changeInSync(claim(1, 1), 0, [1, 2, 3]);
    const view = (await a.read(place.group))!;
    expect(view.record).toEqual(taken);
    expect(view.remainingMs).toBeGreaterThan(1_000);
  });

  it('of different groups have nothing to do with each other', async () => {
    const a = await open();
    await a.create(candidate(1), 1, LONG_MS);
    expect(await a.read(`${place.group}-other`)).toBeUndefined();
    expect(await a.read(place.group.toUpperCase())).toBeUndefined();
  });
});
