/** Who leads a broker group, as the lease store has it. Written whole by its holder; taken over by others only once it has expired. */
export interface LeaseRecord {
  /** `cluster/brokerName`. */
  readonly group: string;
  /** Rises by one with each new holder: the fencing epoch, which begins every part of the log that a master wrote. */
  readonly epoch: number;
  /** brokerId of the member that leads. */
  readonly holderId: number;
  /** One run of that member's process: it knows by it what it wrote itself. */
  readonly holderToken: string;
  /** `ip:port` that clients are told. */
  readonly brokerAddress: string;
  /** `ip:port` that the other members take the log from. */
  readonly haAddress: string;
  /** Members that have every acknowledged message, the holder included, in rising order: only these may lead next. */
  readonly inSyncIds: readonly number[];
  /** Rises with each change of holder or in-sync set: what the next change is compared with. */
  readonly version: number;
}

/** The record, and how long it holds. */
export interface LeaseView {
  readonly record: LeaseRecord;
  /** By the clock of the store, when it answered; 0 or less: it has expired. */
  readonly remainingMs: number;
}

/** Who wants to lead. */
export type LeaseCandidate = Pick<LeaseRecord, 'group' | 'holderId' | 'holderToken' | 'brokerAddress' | 'haAddress'>;

/** What a holder proves with every change that it still is the holder. */
export type LeaseClaim = Pick<LeaseRecord, 'group' | 'epoch' | 'holderToken'>;

/**
 * Where the lease of each broker group is kept: a system that is proven at compare-and-set and at keeping what it answered. Every change is one
 * atomic compare-and-set, so it does not matter when, or how often, a request that nobody waits for any more is carried out. Each change answers with
 * what the store holds afterwards, whether the change was made or not: the caller compares.
 *
 * All methods reject when the store cannot be asked; the change may have been made then, or be made later.
 */
export interface LeaseStore {
  /** For messages; has no password. */
  readonly name: string;
  /** The record of a group; undefined: there never was one. */
  read(group: string): Promise<LeaseView | undefined>;
  /** The first record of a group, with this epoch and only the candidate in sync. Changes nothing when there is one already. */
  create(candidate: LeaseCandidate, epoch: number, ttlMs: number): Promise<LeaseView>;
  /** Makes the candidate the holder, with the next epoch and only itself in sync, if the record still is the one that was seen, and has expired. */
  acquire(candidate: LeaseCandidate, seen: LeaseRecord, ttlMs: number): Promise<LeaseView | undefined>;
  /** Lets the lease of this holder and epoch last for `ttlMs` from now on, also when it has expired and nobody took it. */
  renew(claim: LeaseClaim, ttlMs: number): Promise<LeaseView | undefined>;
  /** Sets who is in sync, and raises the version by one, if holder, epoch and version are those named. */
  changeInSync(claim: LeaseClaim, version: number, inSyncIds: readonly number[]): Promise<LeaseView | undefined>;
  /** Lets the lease of this holder and epoch expire now. */
  release(claim: LeaseClaim): Promise<void>;
  close(): Promise<void>;
}

/** Whether the record was written by who has this claim. */
export function isOwn(record: LeaseRecord, claim: LeaseClaim): boolean {
  return record.epoch === claim.epoch && record.holderToken === claim.holderToken;
}
