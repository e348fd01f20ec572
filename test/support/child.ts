import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Lines of output kept for error messages. */
const KEPT_LINES = 200;

export interface ChildOptions {
  command: string;
  args: readonly string[];
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** What the process is called in error messages. */
  name: string;
}

/** A child process with its output by lines. Ended by its pid only. */
export class Child {
  readonly name: string;
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: string[] = [];
  private readonly listeners = new Set<(line: string) => void>();
  private readonly exit: Promise<number | null>;
  private exited = false;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.child = spawn(options.command, [...options.args], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stdin.on('error', () => undefined);
    this.readLines(this.child.stdout);
    this.readLines(this.child.stderr);
    this.exit = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.keep(String(error));
        this.exited = true;
        resolve(null);
      });
      this.child.once('close', (code) => {
        this.exited = true;
        resolve(code);
      });
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} did not start\n${this.tail()}`);
    return this.child.pid;
  }

  get running(): boolean {
    return !this.exited;
  }

  /** The last lines of standard output and standard error. */
  tail(): string {
    return this.lines.slice(-40).join('\n');
  }

  /** @returns a function that ends the subscription. */
  onLine(listener: (line: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  write(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  endInput(): void {
    this.child.stdin.end();
  }

  /** @returns the exit code, null after a signal. */
  waitForExit(): Promise<number | null> {
    return this.exit;
  }

  kill(signal: NodeJS.Signals): Promise<number | null> {
    if (!this.exited) this.child.kill(signal);
    return this.exit;
  }

  /** SIGTERM, and SIGKILL where the process has not ended after `graceMs`. */
  async stop(graceMs = 15_000): Promise<void> {
    if (this.exited) return;
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), graceMs);
    await this.exit;
    clearTimeout(timer);
  }

  private keep(line: string): void {
    this.lines.push(line);
    if (this.lines.length > KEPT_LINES) this.lines.shift();
    for (const listener of this.listeners) listener(line);
  }

  private readLines(stream: NodeJS.ReadableStream): void {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) this.keep(line);
    });
    stream.on('end', () => {
      if (rest !== '') this.keep(rest);
    });
  }
}

const CLOCK_TICKS_PER_SECOND = 100;

/** CPU time of a whole process (all threads, user and system) in microseconds, from Linux's /proc. */
export function cpuMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in parentheses and may contain blanks: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / CLOCK_TICKS_PER_SECOND;
}

/** Resident memory of a process in bytes, from Linux's /proc. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (match === null) throw new Error(`process ${pid} shows no VmRSS`);
  return Number(match[1]) * 1024;
}
