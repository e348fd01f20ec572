import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../support/child.js';
import { freePort } from '../support/free-port.js';
import { mainFile } from '../support/rocknest-process.js';
import { LEASE_HOST, startEtcd } from './etcd.js';
import { groupName, membersOf, type ClusterShape, type MemberSpec } from './members.js';
import type { ChaosNetwork } from './network.js';

/** Copies that must have a message before it is acknowledged: the master and one more. */
const COPIES = 2;

export interface Member extends MemberSpec {
  readonly address: string;
  readonly folder: string;
  readonly config: Readonly<Record<string, string | number | boolean>>;
  child?: Child;
  /** A fault has stopped it (SIGSTOP). */
  isStopped: boolean;
}

/** The namesrvs and brokers of a run, each a process on a host of its own. */
export class ChaosCluster {
  readonly members: Member[] = [];
  private etcd?: Child;

  private constructor(
    private readonly network: ChaosNetwork,
    readonly shape: ClusterShape,
  ) {}

  static async create(network: ChaosNetwork, shape: ClusterShape, folder: string): Promise<ChaosCluster> {
    const cluster = new ChaosCluster(network, shape);
    const ports = new Map<string, number>();
    const specs = membersOf(shape);
    for (const { name } of specs) ports.set(name, await freePort([-2, 1]));
    const addressOf = ({ name }: MemberSpec): string => `${network.addressOf(name)}:${ports.get(name)}`;
    const namesrvAddr = specs
      .filter(({ app }) => app === 'namesrv')
      .map(addressOf)
      .join(';');
    let leaseStore: string | undefined;
    if (shape.lease === 'sqlite') leaseStore = `sqlite:${join(folder, 'lease.db')}`;
    else if (shape.lease === 'etcd') {
      const port = await freePort();
      leaseStore = `etcd://${network.addressOf(LEASE_HOST)}:${port}`;
      cluster.etcd = await startEtcd(network, port, join(folder, 'etcd'));
    }
    for (const spec of specs) {
      const own = join(folder, spec.name);
      mkdirSync(join(own, 'store'), { recursive: true });
      const listenPort = ports.get(spec.name)!;
      const bindAddress = network.addressOf(spec.name);
      const common = { listenPort, bindAddress };
      const config =
        spec.app === 'namesrv'
          ? { ...common, storePath: join(own, 'store') }
          : {
              ...common,
              ...brokerConfig(spec, shape, leaseStore),
              namesrvAddr,
              brokerIP1: bindAddress,
              storePathRootDir: join(own, 'store'),
            };
      const file = join(own, `${spec.app}.conf`);
      writeFileSync(
        file,
        Object.entries(config)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
      );
      cluster.members.push({ ...spec, address: addressOf(spec), folder: own, config, isStopped: false });
    }
    return cluster;
  }

  get namesrvAddr(): string {
    return this.members
      .filter(({ app }) => app === 'namesrv')
      .map(({ address }) => address)
      .join(';');
  }

  get brokers(): Member[] {
    return this.members.filter(({ app }) => app === 'broker');
  }

  find(name: string): Member {
    return this.members.find((member) => member.name === name)!;
  }

  ofGroup(group: number): Member[] {
    return this.members.filter((member) => member.group === groupName(group));
  }

  start(member: Member): void {
    if (member.child?.running) return;
    const file = join(member.folder, `${member.app}.conf`);
    const [command, ...args] = this.network.commandOn(member.name, [
      process.execPath,
      mainFile(member.app),
      '-c',
      file,
    ]);
    member.isStopped = false;
    const child = new Child({ name: member.name, command, args, cwd: member.folder, env: cleanEnvironment() });
    child.onLine((line) => writeFileSync(join(member.folder, 'log'), `${line}\n`, { flag: 'a' }));
    member.child = child;
  }

  /** SIGSTOP and SIGCONT of a fault. */
  signal(member: Member, signal: 'SIGSTOP' | 'SIGCONT'): void {
    member.isStopped = signal === 'SIGSTOP';
    if (member.child?.running) process.kill(member.child.pid, signal);
  }

  /** Lets everything stand still, whatever a fault does to it at the moment. */
  suspend(): void {
    for (const child of this.running()) process.kill(child.pid, 'SIGSTOP');
  }

  /** Goes on as before `suspend`. */
  resume(): void {
    const stopped = new Set(this.members.filter(({ isStopped }) => isStopped).map(({ child }) => child));
    for (const child of this.running()) if (!stopped.has(child)) process.kill(child.pid, 'SIGCONT');
  }

  private running(): Child[] {
    return [this.etcd, ...this.members.map(({ child }) => child)].flatMap((child) => (child?.running ? [child] : []));
  }

  async stopAll(): Promise<void> {
    for (const member of this.members) this.signal(member, 'SIGCONT');
    await Promise.all(this.brokers.map(async ({ child }) => child?.stop()));
    await Promise.all(this.members.map(async ({ child }) => child?.stop()));
    await this.etcd?.stop();
  }
}

function brokerConfig(
  { group, index }: MemberSpec,
  shape: ClusterShape,
  leaseStore: string | undefined,
): Record<string, string | number | boolean> {
  const common = { brokerName: group!, autoCreateTopicEnable: false };
  if (leaseStore !== undefined) return { ...common, brokerId: index + 1, leaseStore };
  return {
    ...common,
    brokerId: index,
    brokerRole: index === 0 ? 'SYNC_MASTER' : 'SLAVE',
    inSyncReplicas: COPIES,
    minInSyncReplicas: Math.min(COPIES, shape.membersPerGroup),
  };
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign = (name: string): boolean =>
    name === 'NAMESRV_ADDR' || name === 'DATABASE_URL' || name.startsWith('ROCKNEST_');
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign(name)));
}
