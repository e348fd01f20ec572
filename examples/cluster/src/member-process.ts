import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { flagsOf, type Member } from './members.js';

/** ms that a member may take until it serves. */
const START_TIMEOUT_MS = 60_000;
/** ms that it may take to stop: what is under way, its slaves, its store. */
const STOP_TIMEOUT_MS = 30_000;
/** Lines of output that a failure is explained with. */
const KEPT_LINES = 20;
/** What namesrvs and brokers say when they are up. */
const SERVING = /serving at/;

export interface MemberProcessEvents {
  /** It ended, and nobody had asked it to. */
  ended(reason: string): void;
}

/** One member as a process of its own, with its output in a file. */
export class MemberProcess {
  private child: ChildProcess | undefined;
  private exit: Promise<void> = Promise.resolve();
  private isStopping = false;
  private lines: string[] = [];

  constructor(
    readonly member: Member,
    /** The built application: `main.js`. */
    private readonly mainFile: string,
    readonly logFile: string,
    private readonly events: MemberProcessEvents,
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** @returns when it serves. @throws Error with its last output. */
  async start(): Promise<void> {
    if (this.child !== undefined) throw new Error(`${this.member.name} runs already`);
    mkdirSync(dirname(this.logFile), { recursive: true });
    const log = createWriteStream(this.logFile, { flags: 'a' });
    this.isStopping = false;
    this.lines = [];
    // In a group of its own: a Ctrl-C in the terminal is for the whole cluster, which stops its members in order.
    const child = spawn(process.execPath, [this.mainFile, ...flagsOf(this.member)], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), NO_COLOR: '1' },
    });
    this.child = child;
    let serves = false;
    const served = new Promise<void>((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          log.write(text);
          this.lines = [...this.lines, ...text.trimEnd().split('\n')].slice(-KEPT_LINES);
          if (SERVING.test(text)) resolve();
        });
      }
    });
    this.exit = new Promise((resolve) => {
      child.once('error', (error) => this.lines.push(error.message));
      child.once('close', (code, signal) => {
        log.end();
        this.child = undefined;
        resolve();
        if (serves && !this.isStopping) this.events.ended(signal ?? `exit code ${code}`);
      });
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, START_TIMEOUT_MS)));
    await Promise.race([served.then(() => (serves = true)), this.exit, late]);
    clearTimeout(timer);
    if (serves) return;
    const problem =
      this.child === undefined ? 'ended at its start' : `does not serve after ${START_TIMEOUT_MS / 1_000} s`;
    throw new Error(`${this.member.name} ${problem} (all it said: ${this.logFile})\n${this.lines.join('\n')}`);
  }

  /** Tells it to stop, and waits until it has. @returns false when it had to be killed. */
  async stop(): Promise<boolean> {
    if (this.child === undefined) return true;
    this.isStopping = true;
    this.child.kill('SIGTERM');
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.child?.kill('SIGKILL');
    }, STOP_TIMEOUT_MS);
    await this.exit;
    clearTimeout(timer);
    return !isLate;
  }

  /** SIGKILL, as a crash. */
  async kill(): Promise<void> {
    this.killNow();
    await this.exit;
  }

  killNow(): void {
    this.isStopping = true;
    this.child?.kill('SIGKILL');
  }
}

/** Members are what their flags say, whatever is set for other brokers in this shell. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign = (name: string): boolean =>
    name === 'NAMESRV_ADDR' || name === 'DATABASE_URL' || name.startsWith('ROCKNEST_');
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign(name)));
}
