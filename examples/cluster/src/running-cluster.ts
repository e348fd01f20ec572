import { join } from 'node:path';
import type { Member } from './members.js';
import { MemberProcess } from './member-process.js';

export interface RunningClusterOptions {
  readonly folder: string;
  /** The built application of a member. */
  readonly mainFile: (app: Member['app']) => string;
  readonly say: (line: string) => void;
}

/** The processes of a cluster. */
export class RunningCluster {
  private readonly processes: readonly MemberProcess[];

  constructor(
    members: readonly Member[],
    private readonly options: RunningClusterOptions,
  ) {
    const { folder, mainFile, say } = options;
    this.processes = members.map((member) => {
      const logFile = join(folder, 'logs', `${member.name}.log`);
      const ended = (reason: string): void =>
        say(`${member.name} ended (${reason}). "start ${member.name}" starts it again; what it said: ${logFile}`);
      return new MemberProcess(member, mainFile(member.app), logFile, { ended });
    });
  }

  /** Namesrvs, then masters, then slaves. @throws Error of the first member that does not start. */
  async start(): Promise<void> {
    for (const stage of this.stages()) await Promise.all(stage.map((process) => this.startMember(process)));
  }

  /** Masters first, which hand the rest of their logs to their slaves, then slaves, then namesrvs. */
  async stop(): Promise<void> {
    const [namesrvs, masters, slaves] = this.stages();
    for (const stage of [masters, slaves, namesrvs]) {
      await Promise.all(
        stage.map(async (process) => {
          if (process.pid === undefined) return;
          const isClean = await process.stop();
          this.options.say(
            `  ${process.member.name.padEnd(16)} ${isClean ? 'stopped' : 'killed: it did not stop in time'}`,
          );
        }),
      );
    }
  }

  killNow(): void {
    for (const process of this.processes) process.killNow();
  }

  /** What somebody typed: `kill NAME`, `stop NAME`, `start NAME`, `list`. @returns what to say. */
  async command(line: string): Promise<string> {
    const [verb, name] = line.trim().split(/\s+/);
    if (verb === 'list') return this.list();
    const process = this.processes.find(({ member }) => member.name === name);
    if (!['kill', 'stop', 'start'].includes(verb)) return 'kill NAME, stop NAME, start NAME or list; Ctrl-C stops all';
    if (process === undefined)
      return `${verb} what? There are: ${this.processes.map(({ member }) => member.name).join(', ')}`;
    if (verb === 'start') {
      await this.startMember(process);
      return `${name} is back`;
    }
    if (process.pid === undefined) return `${name} does not run`;
    if (verb === 'kill') await process.kill();
    else await process.stop();
    return `${name} is gone${verb === 'kill' ? ', as if its machine had failed' : ''}. "start ${name}" brings it back`;
  }

  private list(): string {
    return this.processes
      .map(
        ({ member, pid }) =>
          `  ${member.name.padEnd(16)} ${member.address.padEnd(16)} ${pid === undefined ? 'does not run' : `pid ${pid}`}`,
      )
      .join('\n');
  }

  private async startMember(process: MemberProcess): Promise<void> {
    const startedMs = performance.now();
    await process.start();
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    this.options.say(
      `  ${process.member.name.padEnd(16)} ${process.member.address.padEnd(16)} serves after ${seconds} s`,
    );
  }

  private stages(): [namesrvs: MemberProcess[], masters: MemberProcess[], slaves: MemberProcess[]] {
    const of = (test: (member: Member) => boolean): MemberProcess[] =>
      this.processes.filter(({ member }) => test(member));
    return [
      of(({ app }) => app === 'namesrv'),
      of(({ settings }) => settings.brokerRole === 'SYNC_MASTER'),
      of(({ settings }) => settings.brokerRole === 'SLAVE'),
    ];
  }
}
