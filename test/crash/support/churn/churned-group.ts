import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../../../support/child.js';
import { readHandlings, type Handling } from '../../../support/handling-log.js';
import type { MemberSettings } from './member-settings.js';

const LEAVE_GRACE_MS = 30_000;

export interface ChurnedGroupOptions extends Omit<MemberSettings, 'logFile'> {
  /** The built `member.ts`. */
  program: string;
  /** Gets a log for each member. */
  folder: string;
}

interface Member {
  name: string;
  child: Child;
  /** It has begun to consume, and leaves in peace when it is told to. */
  joined: boolean;
}

/** A group whose members are processes that come and go. */
export class ChurnedGroup {
  /** When killed members were dead, ns of the monotonic clock. */
  readonly diedNs = new Map<string, number>();
  joins = 0;
  leaves = 0;
  kills = 0;
  /** Members that ended otherwise than they were told to. */
  readonly troubles: string[] = [];
  private readonly names: string[] = [];
  private members: Member[] = [];
  private readonly ends: Promise<void>[] = [];
  private random = 1;

  constructor(private readonly options: ChurnedGroupOptions) {}

  get topic(): string {
    return this.options.topic;
  }

  /** Members that consume. */
  get joinedCount(): number {
    return this.members.filter(({ joined }) => joined).length;
  }

  /** @param changes to the settings of this member. */
  join(changes: Partial<MemberSettings> = {}): string {
    const { program, folder, ...settings } = this.options;
    const name = `${settings.group}-${++this.joins}`;
    this.names.push(name);
    const memberSettings: MemberSettings = { ...settings, ...changes, logFile: join(folder, name) };
    const child = new Child({
      name,
      command: process.execPath,
      args: ['--enable-source-maps', program, JSON.stringify(memberSettings)],
    });
    const member = { name, child, joined: false };
    child.onLine((line) => (member.joined ||= line === 'joined'));
    this.members.push(member);
    void child.waitForExit().then((code) => {
      if (this.members.includes(member)) this.troubles.push(`${name} ended by itself with ${code}:\n${child.tail()}`);
    });
    return name;
  }

  /** SIGKILL to this member, or SIGTERM. Resolves when it has ended. */
  async end(name: string, how: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const member = this.members.find((one) => one.name === name);
    if (member === undefined) throw new Error(`${name} is no member of ${this.options.group}`);
    if (how === 'SIGKILL') this.kill(member);
    else this.leave(member);
    await member.child.waitForExit();
    await Promise.all(this.ends);
  }

  /** The next step of the churn: somebody leaves, somebody joins, somebody is killed, somebody joins. */
  step(index: number): void {
    if (index % 2 === 1) this.join();
    else if (index % 4 === 0) this.leave(this.oneOf(this.members.filter(({ joined }) => joined)));
    else this.kill(this.oneOf(this.members));
  }

  /** All members leave in peace. */
  async endAll(): Promise<void> {
    for (const member of [...this.members]) {
      if (member.joined) this.leave(member);
      else this.kill(member);
    }
    await Promise.all(this.ends);
  }

  handlings(): Handling[] {
    const path = (name: string): string => join(this.options.folder, name);
    // A member that was killed in its first moment has no log.
    return this.names.filter((name) => existsSync(path(name))).flatMap((name) => readHandlings(path(name), name));
  }

  /** The same choices in each run. */
  private oneOf(members: readonly Member[]): Member {
    if (members.length === 0) throw new Error(`no member of ${this.options.group} has joined`);
    this.random = (this.random * 48_271) % 2_147_483_647;
    return members[this.random % members.length];
  }

  private leave(member: Member): void {
    this.leaves++;
    this.remove(member);
    const { child, name } = member;
    const exit = child.waitForExit();
    this.ends.push(
      child.stop(LEAVE_GRACE_MS).then(async () => {
        const code = await exit;
        if (code !== 0) this.troubles.push(`${name} left with ${code}:\n${child.tail()}`);
      }),
    );
  }

  private kill(member: Member): void {
    this.kills++;
    this.remove(member);
    this.ends.push(
      member.child.kill('SIGKILL').then(() => {
        this.diedNs.set(member.name, Number(process.hrtime.bigint()));
      }),
    );
  }

  private remove(member: Member): void {
    this.members = this.members.filter((other) => other !== member);
  }
}
