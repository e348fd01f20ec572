import { execFileSync } from 'node:child_process';

/** Where the members of a cluster live, and what can be done to the lines between them. */
export interface ChaosNetwork {
  /** What is done to lines has an effect. */
  readonly cutsLines: boolean;
  /** The address of a host. Hosts are made when they are first named. */
  addressOf(host: string): string;
  /** The command line that runs `command` on a host. */
  commandOn(host: string, command: readonly string[]): string[];
  /** Nothing goes from the one to the other any more, in both directions; connections stay open. A line that was cut twice must be joined twice. */
  cut(one: string, other: string): void;
  join(one: string, other: string): void;
  close(): void;
}

/** All on the loopback address: nothing can be cut. For users who may not make namespaces. */
export class LoopbackNetwork implements ChaosNetwork {
  readonly cutsLines = false;

  addressOf(): string {
    return '127.0.0.1';
  }

  commandOn(_host: string, command: readonly string[]): string[] {
    return [...command];
  }

  cut(): void {
    throw new Error('lines on the loopback address can not be cut');
  }

  join(): void {}

  close(): void {}
}

/** Private addresses for the hosts of a run: 10.213.x.y. */
const SUBNETS = 250;
/** No machine has it: what is sent there is lost on the way, as behind a broken switch. */
const NOWHERE = '02:00:00:00:00:de';

/** A network namespace for each host, all of them on one bridge. Needs root. */
export class NamespaceNetwork implements ChaosNetwork {
  readonly cutsLines = true;
  private readonly hosts = new Map<string, string>();
  /** By line: how many faults cut it. */
  private readonly cuts = new Map<string, number>();
  private readonly subnet: string;

  constructor(private readonly name: string) {
    ip('link', 'add', this.bridge, 'type', 'bridge');
    this.subnet = takeSubnet(this.bridge);
    ip('link', 'set', this.bridge, 'up');
  }

  addressOf(host: string): string {
    const known = this.hosts.get(host);
    if (known !== undefined) return known;
    const index = this.hosts.size + 2;
    const address = `${this.subnet}.${index}`;
    const space = this.spaceOf(host);
    const port = `${this.name}p${index}`;
    ip('netns', 'add', space);
    this.hosts.set(host, address);
    ip('link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
    ip('link', 'set', port, 'master', this.bridge, 'up');
    ip('-n', space, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-n', space, 'link', 'set', 'eth0', 'up');
    ip('-n', space, 'link', 'set', 'lo', 'up');
    return address;
  }

  commandOn(host: string, command: readonly string[]): string[] {
    this.addressOf(host);
    return ['ip', 'netns', 'exec', this.spaceOf(host), ...command];
  }

  cut(one: string, other: string): void {
    if (this.count(one, other, 1) > 1) return;
    for (const [from, to] of [
      [one, other],
      [other, one],
    ])
      ip('-n', this.spaceOf(from), 'neigh', 'replace', this.addressOf(to), ...neighbour(NOWHERE));
  }

  join(one: string, other: string): void {
    if (this.count(one, other, -1) > 0) return;
    for (const [from, to] of [
      [one, other],
      [other, one],
    ])
      ip('-n', this.spaceOf(from), 'neigh', 'del', this.addressOf(to), 'dev', 'eth0');
  }

  close(): void {
    for (const host of this.hosts.keys()) ip('netns', 'del', this.spaceOf(host));
    ip('link', 'del', this.bridge);
  }

  /** @returns how many faults cut the line now. */
  private count(one: string, other: string, change: 1 | -1): number {
    const line = [one, other].sort().join(' ');
    const cuts = (this.cuts.get(line) ?? 0) + change;
    this.cuts.set(line, cuts);
    return cuts;
  }

  private get bridge(): string {
    return `${this.name}br`;
  }

  private spaceOf(host: string): string {
    return `${this.name}-${host}`;
  }
}

/** Namespaces where this process may make them, else the loopback address. `name`: at most 6 characters, one for each run. */
export function openNetwork(name: string): ChaosNetwork {
  if (process.getuid?.() !== 0) return new LoopbackNetwork();
  try {
    return new NamespaceNetwork(name);
  } catch {
    return new LoopbackNetwork();
  }
}

function neighbour(lladdr: string): string[] {
  return ['lladdr', lladdr, 'dev', 'eth0', 'nud', 'permanent'];
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Gives a bridge a subnet that no other run has. Of two runs that take the same one at the same moment both try another. */
function takeSubnet(bridge: string): string {
  const first = process.pid % SUBNETS;
  for (let tried = 0; tried < SUBNETS; tried++) {
    const subnet = `10.213.${((first + tried) % SUBNETS) + 1}`;
    const users = (): number => networkAddresses().filter((address) => address.startsWith(`${subnet}.`)).length;
    if (users() > 0) continue;
    ip('addr', 'add', `${subnet}.1/24`, 'dev', bridge);
    if (users() === 1) return subnet;
    ip('addr', 'del', `${subnet}.1/24`, 'dev', bridge);
  }
  throw new Error('every subnet of 10.213.0.0/16 is taken');
}

/** Of interfaces that are down, too. */
function networkAddresses(): string[] {
  const text = execFileSync('ip', ['-4', '-o', 'addr'], { encoding: 'utf8' });
  return [...text.matchAll(/ inet (\S+)\//g)].map(([, address]) => address);
}
