import { RocknestError } from '@rocknest/protocol';
import type { EtcdClient } from './etcd-client.js';
import { leaseNumber } from './lease-fields.js';
import {
  isOwn,
  type LeaseCandidate,
  type LeaseClaim,
  type LeaseRecord,
  type LeaseStore,
  type LeaseView,
} from './lease-store.js';

interface KeyValue {
  readonly value: string;
  readonly lease?: string;
}

interface TxnResponse {
  readonly responses?: readonly { readonly response_range?: { readonly kvs?: readonly KeyValue[] } }[];
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/**
 * Leases in etcd. Two keys for each group: the record, which stays, and a mark beside it that hangs on a lease of etcd: while the mark is there, the
 * record has not expired. Each change is one transaction that compares both.
 */
export class EtcdLeaseStore implements LeaseStore {
  readonly name: string;
  /** etcd's ids of the leases that this process was granted, by `group/epoch/token`. */
  private readonly leaseIds = new Map<string, string>();

  constructor(private readonly client: EtcdClient) {
    this.name = client.name;
  }

  async read(group: string): Promise<LeaseView | undefined> {
    return (await this.readBoth(group)).view;
  }

  async create(candidate: LeaseCandidate, epoch: number, ttlMs: number): Promise<LeaseView> {
    const record: LeaseRecord = { ...candidate, epoch, inSyncIds: [candidate.holderId], version: 0 };
    await this.takeOver(record, [{ key: recordKey(record.group), target: 'VERSION', version: '0' }], ttlMs);
    const view = await this.read(record.group);
    if (view === undefined) throw new Error(`the lease of ${record.group} was removed as soon as it was made`);
    return view;
  }

  async acquire(candidate: LeaseCandidate, seen: LeaseRecord, ttlMs: number): Promise<LeaseView | undefined> {
    const record: LeaseRecord = {
      ...candidate,
      epoch: seen.epoch + 1,
      inSyncIds: [candidate.holderId],
      version: seen.version + 1,
    };
    await this.takeOver(record, [isStill(seen)], ttlMs);
    return this.read(record.group);
  }

  async renew(claim: LeaseClaim, ttlMs: number): Promise<LeaseView | undefined> {
    const leaseId = this.leaseIds.get(nameOf(claim));
    const isAlive = leaseId !== undefined && (await this.keepAlive(leaseId));
    const { view, markedBy } = await this.readBoth(claim.group);
    if (view === undefined || !isOwn(view.record, claim)) return view;
    // Only a mark that hangs on the lease that was kept alive lasts as long as that.
    if (isAlive && markedBy === leaseId) return view;
    if (markedBy !== undefined) this.leaseIds.set(nameOf(claim), markedBy);
    // It had expired, and nobody took it. While another mark of ours is there, nothing is renewed.
    if (markedBy !== undefined || !(await this.takeOver(view.record, [isStill(view.record)], ttlMs)))
      throw new RocknestError(
        'LEASE_STORE_ETCD',
        `the lease of ${claim.group} had expired, and could not be renewed yet`,
        { retriable: true },
      );
    return this.read(claim.group);
  }

  async changeInSync(claim: LeaseClaim, version: number, inSyncIds: readonly number[]): Promise<LeaseView | undefined> {
    const view = await this.read(claim.group);
    if (view === undefined || !isOwn(view.record, claim) || view.record.version !== version) return view;
    const next = { ...view.record, inSyncIds: [...inSyncIds].sort((a, b) => a - b), version: version + 1 };
    await this.client.call('/v3/kv/txn', {
      compare: [isStill(view.record)],
      success: [put(recordKey(claim.group), encodeRecord(next))],
    });
    return this.read(claim.group);
  }

  async release(claim: LeaseClaim): Promise<void> {
    const leaseId = this.leaseIds.get(nameOf(claim));
    if (leaseId === undefined) return;
    this.leaseIds.delete(nameOf(claim));
    await this.client.call('/v3/lease/revoke', { ID: leaseId });
  }

  async close(): Promise<void> {
    this.leaseIds.clear();
  }

  /** Writes the record and its mark, if the comparisons hold and there is no mark. @returns whether etcd says that it did. */
  private async takeOver(record: LeaseRecord, compare: readonly object[], ttlMs: number): Promise<boolean> {
    const { group } = record;
    const { ID: leaseId } = await this.client.call<{ ID: string }>('/v3/lease/grant', {
      TTL: String(Math.ceil(ttlMs / 1_000)),
    });
    // Known before it is used: the transaction may be carried out though its answer does not come, or may be sent twice, and fail the second time. A
    // lease that is not used ends by itself.
    this.leaseIds.set(nameOf(record), leaseId);
    const { succeeded } = await this.client.call<{ succeeded?: boolean }>('/v3/kv/txn', {
      compare: [...compare, { key: markKey(group), target: 'VERSION', version: '0' }],
      success: [
        put(recordKey(group), encodeRecord(record)),
        { requestPut: { key: markKey(group), value: base64(nameOf(record)), lease: leaseId } },
      ],
    });
    return succeeded === true;
  }

  private async keepAlive(leaseId: string): Promise<boolean> {
    const { result } = await this.client.call<{ result?: { TTL?: string } }>('/v3/lease/keepalive', { ID: leaseId });
    return Number(result?.TTL ?? 0) > 0;
  }

  private async readBoth(group: string): Promise<{ view: LeaseView | undefined; markedBy: string | undefined }> {
    const range = (key: string): object => ({ requestRange: { key } });
    const { responses } = await this.client.call<TxnResponse>('/v3/kv/txn', {
      success: [range(recordKey(group)), range(markKey(group))],
    });
    const [record, mark] = (responses ?? []).map((response) => response.response_range?.kvs?.[0]);
    const markedBy = mark === undefined ? undefined : (mark.lease ?? '');
    if (record === undefined) return { view: undefined, markedBy };
    const remainingMs = markedBy === undefined ? 0 : await this.remainingMs(markedBy);
    return { view: { record: decodeRecord(record.value, group), remainingMs }, markedBy };
  }

  private async remainingMs(leaseId: string): Promise<number> {
    const { TTL } = await this.client.call<{ TTL?: string }>('/v3/lease/timetolive', { ID: leaseId });
    return Math.max(0, Number(TTL ?? 0)) * 1_000;
  }
}

function recordKey(group: string): string {
  return base64(`/rocknest/lease/${group}/record`);
}

function markKey(group: string): string {
  return base64(`/rocknest/lease/${group}/mark`);
}

function nameOf({ group, epoch, holderToken }: LeaseClaim): string {
  return `${group}/${epoch}/${holderToken}`;
}

function isStill(record: LeaseRecord): object {
  return { key: recordKey(record.group), target: 'VALUE', value: base64(encodeRecord(record)) };
}

function put(key: string, value: string): object {
  return { requestPut: { key, value: base64(value) } };
}

/** The same record is the same text, always: it is compared as text. */
function encodeRecord(record: LeaseRecord): string {
  const { epoch, holderId, holderToken, brokerAddress, haAddress, inSyncIds, version } = record;
  return JSON.stringify({ epoch, holderId, holderToken, brokerAddress, haAddress, inSyncIds, version });
}

function decodeRecord(value: string, group: string): LeaseRecord {
  let fields: Partial<Record<keyof LeaseRecord, unknown>>;
  try {
    fields = JSON.parse(Buffer.from(value, 'base64').toString()) as typeof fields;
  } catch (error) {
    throw new RocknestError('LEASE_RECORD_BAD', `the lease record of ${group} in etcd is no JSON`, { cause: error });
  }
  return {
    group,
    epoch: leaseNumber(fields.epoch),
    holderId: leaseNumber(fields.holderId),
    holderToken: String(fields.holderToken),
    brokerAddress: String(fields.brokerAddress),
    haAddress: String(fields.haAddress),
    inSyncIds: Array.isArray(fields.inSyncIds) ? fields.inSyncIds.map(leaseNumber) : [],
    version: leaseNumber(fields.version),
  };
}
