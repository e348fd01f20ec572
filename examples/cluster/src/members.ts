import { join } from 'node:path';

/** One process of the cluster. */
export interface Member {
  readonly name: string;
  readonly app: 'namesrv' | 'broker';
  /** Where it is reached from this machine: `host:port`. */
  readonly address: string;
  /** What it listens on. */
  readonly ports: readonly number[];
  /** Its flags: `--key value`. */
  readonly settings: Readonly<Record<string, string>>;
}

export const MEMBER_NAMES = [
  'namesrv-a',
  'namesrv-b',
  'group-a-master',
  'group-a-slave',
  'group-b-master',
  'group-b-slave',
] as const;

/** Ports of the members, in the order of their names; a broker takes the next one too, for its slaves. */
export const DEFAULT_PORTS: readonly number[] = [9876, 9877, 10911, 10921, 10931, 10941];

export interface ClusterPlan {
  readonly ports: readonly number[];
  /** Each member has a folder of its name in it. */
  readonly folder: string;
  /** Settings of all members that are a matter of where they run. */
  readonly network?: { readonly namesrv: Record<string, string>; readonly broker: Record<string, string> };
}

/** What clients are configured with: both namesrvs. */
export function namesrvAddrOf(members: readonly Member[]): string {
  return members
    .filter(({ app }) => app === 'namesrv')
    .map(({ address }) => address)
    .join(';');
}

/** Two namesrvs, and two groups of a master and its slave. */
export function clusterMembers(plan: ClusterPlan): Member[] {
  const { ports, folder, network } = plan;
  const address = (index: number): string => `127.0.0.1:${ports[index]}`;
  const namesrvAddr = `${address(0)};${address(1)}`;
  const namesrv = (index: number): Member => ({
    name: MEMBER_NAMES[index],
    app: 'namesrv',
    address: address(index),
    ports: [ports[index]],
    settings: {
      listenPort: String(ports[index]),
      storePath: join(folder, MEMBER_NAMES[index]),
      ...network?.namesrv,
    },
  });
  const broker = (index: number, brokerName: string, brokerId: number): Member => ({
    name: MEMBER_NAMES[index],
    app: 'broker',
    address: address(index),
    ports: [ports[index], ports[index] + 1],
    settings: {
      brokerName,
      brokerId: String(brokerId),
      brokerRole: brokerId === 0 ? 'SYNC_MASTER' : 'SLAVE',
      // A send is answered when both brokers of a group have it; a group without its slave goes on alone.
      enableAutoInSyncReplicas: 'true',
      namesrvAddr,
      listenPort: String(ports[index]),
      vipChannelEnable: 'false',
      storePathRootDir: join(folder, MEMBER_NAMES[index]),
      ...network?.broker,
    },
  });
  return [
    namesrv(0),
    namesrv(1),
    broker(2, 'group-a', 0),
    broker(3, 'group-a', 1),
    broker(4, 'group-b', 0),
    broker(5, 'group-b', 1),
  ];
}

/** The settings as a command line has them. */
export function flagsOf({ settings }: Member): string[] {
  return Object.entries(settings).map(([key, value]) => `--${key}=${value}`);
}
