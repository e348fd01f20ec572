import type { Member, ChaosCluster } from './chaos-cluster.js';
import { LEASE_HOST } from './etcd.js';
import { groupName } from './members.js';
import type { ChaosNetwork } from './network.js';
import type { MasterLoss } from './outages.js';
import type { Fault } from './plan.js';

/** A slowed member runs that long, then stands still that long, and so on. */
const SLOW_TURNS_MS = { runs: 15, stands: 85 };

export interface InjectorOptions {
  /** The name of the member that is master of a group now, as clients see it. */
  readonly masterOf: (group: number) => Promise<string | undefined>;
  readonly say: (line: string) => void;
}

/** Does the faults of a plan to a cluster, and undoes each when its time is over. */
export class Injector {
  readonly losses: MasterLoss[] = [];
  /** How many faults were done. */
  done = 0;
  private readonly busy = new Set<string>();
  private readonly undoing = new Set<Promise<void>>();
  private readonly problems: unknown[] = [];
  private ended = false;
  private suspendedMs = 0;
  private wake: (() => void)[] = [];

  constructor(
    private readonly cluster: ChaosCluster,
    private readonly network: ChaosNetwork,
    private readonly options: InjectorOptions,
  ) {}

  /** @returns when the last fault has begun. */
  async run(plan: readonly Fault[], startMs: number): Promise<void> {
    for (const fault of plan) {
      await this.pauseUntil(() => startMs + this.suspendedMs + fault.atMs);
      const member = await this.memberOf(fault);
      if (member === undefined || this.busy.has(member.name)) continue;
      this.busy.add(member.name);
      const undoing = this.inject(fault, member)
        .catch((error: unknown) => void this.problems.push(error))
        .finally(() => {
          this.busy.delete(member.name);
          this.undoing.delete(undoing);
        });
      this.undoing.add(undoing);
    }
  }

  /** Nothing moved for so long: what is still to come comes so much later. */
  suspended(ms: number): void {
    this.suspendedMs += ms;
  }

  /** Undoes at once what is not undone yet. @throws what kept a fault from being done or undone. */
  async heal(): Promise<void> {
    this.ended = true;
    for (const wake of this.wake.splice(0)) wake();
    await Promise.all(this.undoing);
    if (this.problems.length > 0) throw new AggregateError(this.problems, `${this.problems.length} faults went wrong`);
  }

  private async memberOf({ target }: Fault): Promise<Member | undefined> {
    const { cluster } = this;
    if (target.role === 'namesrv') return cluster.members.filter(({ app }) => app === 'namesrv')[target.index];
    if (target.role === 'broker') return cluster.ofGroup(target.group)[target.index];
    const name = await this.options.masterOf(target.group);
    return name === undefined ? undefined : cluster.find(name);
  }

  private async inject(fault: Fault, member: Member): Promise<void> {
    const { kind, durationMs, target } = fault;
    const group = target.role === 'namesrv' ? undefined : target.group;
    const isMaster = group !== undefined && (await this.options.masterOf(group)) === member.name;
    const what = `${kind} ${member.name}${isMaster ? ' (master)' : ''} for ${(durationMs / 1000).toFixed(1)} s`;
    this.options.say(what);
    const undo = await this.begin(fault, member);
    this.done++;
    // What is asked for from now on meets the fault.
    if (isMaster && kind !== 'slow') this.losses.push({ t: Date.now(), group: groupName(group), what });
    await this.pause(durationMs);
    await undo();
  }

  /** @returns what undoes the fault. */
  private async begin({ kind, durationMs }: Fault, member: Member): Promise<() => unknown> {
    const { cluster, network } = this;
    if (kind === 'kill') {
      await member.child?.kill('SIGKILL');
      return () => cluster.start(member);
    }
    if (kind === 'pause') {
      cluster.signal(member, 'SIGSTOP');
      return () => cluster.signal(member, 'SIGCONT');
    }
    if (kind === 'slow') {
      const slowed = this.slowed(member, durationMs);
      return () => slowed;
    }
    const hosts = kind === 'cutLease' ? [LEASE_HOST] : this.hostsAround(member, kind);
    for (const host of hosts) network.cut(member.name, host);
    return () => {
      for (const host of hosts) network.join(member.name, host);
    };
  }

  private async slowed(member: Member, durationMs: number): Promise<void> {
    const endMs = Date.now() + durationMs;
    while (!this.ended && Date.now() < endMs) {
      this.cluster.signal(member, 'SIGSTOP');
      await this.pause(SLOW_TURNS_MS.stands);
      this.cluster.signal(member, 'SIGCONT');
      await this.pause(SLOW_TURNS_MS.runs);
    }
  }

  private hostsAround(member: Member, kind: 'cutGroup' | 'cutAll'): string[] {
    const others = this.cluster.members.filter(
      ({ name, group }) => name !== member.name && (kind === 'cutAll' || group === member.group),
    );
    const lease = this.cluster.shape.lease === 'etcd' ? [LEASE_HOST] : [];
    return [...others.map(({ name }) => name), ...(kind === 'cutAll' ? ['client', ...lease] : [])];
  }

  private async pauseUntil(timeMs: () => number): Promise<void> {
    while (!this.ended && Date.now() < timeMs()) await this.pause(timeMs() - Date.now());
  }

  private pause(ms: number): Promise<void> {
    if (this.ended || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
