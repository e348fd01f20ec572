import { SimRandom } from '../../../libs/store/src/simulation/sim-random.js';
import { SimLeaseRegister } from './sim-lease-store.js';
import { SimMember } from './sim-member.js';
import { SimTime } from './sim-time.js';

export interface SimGroupOutcome {
  readonly seed: number;
  readonly violation: string | undefined;
  readonly acknowledged: number;
  readonly terms: number;
  readonly cuts: number;
  readonly faults: number;
}

const MEMBERS = 3;
const OPTIONS = {
  ttlMs: 3_000,
  renewMs: 1_000,
  pollMs: 200,
  marginMs: 300,
  maxLagMs: 2_000,
  requestTimeoutMs: 1_000,
  foundingDelayMs: 6_000,
};

const FAULTS = {
  crash: 5,
  pause: 5,
  suspend: 3,
  partition: 4,
  storeTrouble: 4,
  storeDown: 2,
  clockJump: 3,
  dropLines: 4,
  nothing: 6,
};

/** A group of three members that things happen to, and who checks what they promise. */
export class SimGroup {
  readonly time = new SimTime();
  readonly register = new SimLeaseRegister(this.time);
  private readonly random: SimRandom;
  private readonly members: SimMember[] = [];
  private readonly acks = new Map<number, number>();
  private readonly sights = new Map<number, number>();
  private readonly leaders = new Map<number, number>();
  private readonly cutPairs = new Set<string>();
  private violation: string | undefined;
  private nextValue = 1;
  private cuts = 0;
  private faults = 0;

  constructor(private readonly seed: number) {
    this.random = new SimRandom(seed);
    for (let id = 1; id <= MEMBERS; id++) this.members.push(new SimMember(id, this, this.random));
  }

  member(id: number): SimMember {
    return this.members[id - 1];
  }

  isCut(a: number, b: number): boolean {
    return this.cutPairs.has(pairOf(a, b));
  }

  violated(what: string): void {
    this.violation ??= `seed ${this.seed}, at ${this.time.nowMs} ms: ${what}`;
  }

  /** A member is about to write as master of an epoch: it must have all that was promised. */
  leads(member: SimMember, epoch: number): void {
    if (this.leaders.has(epoch)) this.violated(`epoch ${epoch} is led twice`);
    this.leaders.set(epoch, member.id);
    this.checkLog(member, `leads in epoch ${epoch}`);
  }

  acknowledged(member: SimMember, epoch: number, offset: number, value: number): void {
    if (this.leaders.get(epoch) !== member.id)
      this.violated(`member ${member.id} acknowledges in epoch ${epoch}, which it does not lead`);
    for (const known of [this.acks, this.sights])
      if ((known.get(offset) ?? value) !== value)
        this.violated(`offset ${offset} is acknowledged for ${value}, and was ${known.get(offset)} before`);
    this.acks.set(offset, value);
  }

  seen(member: SimMember, offset: number, value: number): void {
    for (const known of [this.acks, this.sights])
      if ((known.get(offset) ?? value) !== value)
        this.violated(`member ${member.id} shows ${value} at offset ${offset}, which was ${known.get(offset)} before`);
    this.sights.set(offset, value);
  }

  cut(member: SimMember, toOffset: number): void {
    this.cuts++;
    for (let offset = toOffset; offset < member.log.length; offset++)
      if (this.sights.get(offset) === member.log[offset])
        this.violated(`member ${member.id} cuts offset ${offset}, which was seen`);
  }

  async play(): Promise<SimGroupOutcome> {
    const { time, random } = this;
    for (const member of this.members) member.start(OPTIONS);
    const endMs = 60_000;
    this.planPuts();
    for (let atMs = 8_000; atMs < endMs; atMs += random.between(200, 4_000))
      time.at(atMs, () => this.fault(random.weighted(FAULTS)));
    await time.runUntil(endMs);
    this.heal();
    const acknowledgedBefore = this.acks.size;
    await time.runUntil(endMs + 40_000);
    this.checkEnd(acknowledgedBefore);
    return {
      seed: this.seed,
      violation: this.violation,
      acknowledged: this.acks.size,
      terms: this.leaders.size,
      cuts: this.cuts,
      faults: this.faults,
    };
  }

  private planPuts(): void {
    this.time.at(this.random.between(1, 60), () => {
      // Senders try every member: an old master may still think that it is one.
      for (const member of this.members) if (member.isUp && member.put(this.nextValue)) this.nextValue++;
      if (this.time.nowMs < 90_000) this.planPuts();
    });
  }

  private fault(kind: keyof typeof FAULTS): void {
    const { random, time } = this;
    const leaderId = this.register.current?.holderId;
    // The master is what most is to be tried with.
    const victim = leaderId !== undefined && random.chance(0.6) ? this.member(leaderId) : random.pick(this.members);
    this.faults++;
    if (kind === 'crash') {
      if (!victim.isUp) return;
      victim.crash();
      time.at(random.between(100, 9_000), () => victim.isUp || victim.start(OPTIONS));
    } else if (kind === 'pause' || kind === 'suspend') {
      victim.time.pause(random.between(100, 9_000), kind === 'suspend');
    } else if (kind === 'partition') {
      const other = random.pick(this.members);
      if (other === victim) return;
      this.cutPairs.add(pairOf(victim.id, other.id));
      victim.dropLines();
      time.at(random.between(100, 9_000), () => this.cutPairs.delete(pairOf(victim.id, other.id)));
    } else if (kind === 'storeTrouble') {
      victim.store.trouble = random.float();
      time.at(random.between(500, 9_000), () => (victim.store.trouble = 0));
    } else if (kind === 'storeDown') {
      this.register.isDown = true;
      time.at(random.between(500, 9_000), () => (this.register.isDown = false));
    } else if (kind === 'clockJump') {
      this.register.jump(random.between(-10_000, 10_000));
    } else if (kind === 'dropLines') victim.dropLines();
  }

  private heal(): void {
    this.cutPairs.clear();
    this.register.isDown = false;
    this.register.mendClock();
    for (const member of this.members) {
      member.store.trouble = 0;
      if (!member.isUp) member.start(OPTIONS);
    }
  }

  /** Everything healed: the group works again, and its members agree. */
  private checkEnd(acknowledgedBefore: number): void {
    if (this.acks.size <= acknowledgedBefore) this.violated('nothing was acknowledged after all faults had ended');
    for (const member of this.members) this.checkLog(member, 'ends');
    const [first, ...others] = this.members;
    for (const other of others)
      if (other.log.join() !== first.log.join()) this.violated(`members 1 and ${other.id} end with different logs`);
    const inSync = this.register.current?.inSyncIds.length ?? 0;
    if (inSync !== MEMBERS) this.violated(`only ${inSync} members are in sync at the end`);
  }

  private checkLog(member: SimMember, when: string): void {
    for (const [offset, value] of this.acks)
      if (member.log[offset] !== value) {
        this.violated(`member ${member.id} ${when}, and lacks ${value}, acknowledged at offset ${offset}`);
        return;
      }
  }
}

function pairOf(a: number, b: number): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}

export function playGroupSeed(seed: number): Promise<SimGroupOutcome> {
  return new SimGroup(seed).play();
}
