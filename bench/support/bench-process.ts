import { fork, type ChildProcess } from 'node:child_process';

/** What a call costs the whole process that serves it, all threads together. */
export interface CpuTime {
  userMicroseconds: number;
  systemMicroseconds: number;
}

/** The CPU time of this process since `before`. */
export function cpuTimeSince(before: NodeJS.CpuUsage): CpuTime {
  const { user, system } = process.cpuUsage(before);
  return { userMicroseconds: user, systemMicroseconds: system };
}

type Handlers = Record<string, (argument: never) => unknown>;

interface Call {
  name: string;
  argument: unknown;
}

interface Reply {
  value?: unknown;
  error?: string;
}

/** A process of a benchmark: one call at a time, over node's own channel. */
export class BenchProcess {
  private readonly child: ChildProcess;
  private readonly ended: Promise<string>;

  /** @param nodeArgs arguments for its node, such as `--cpu-prof` */
  constructor(
    private readonly name: string,
    file: string,
    nodeArgs: readonly string[],
  ) {
    this.child = fork(file, [], { execArgv: ['--enable-source-maps', ...nodeArgs] });
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => resolve(String(error)));
      this.child.once('exit', (code, signal) => resolve(`exit code ${code}, signal ${signal}`));
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  async call<T>(name: string, argument?: unknown): Promise<T> {
    let listener: (reply: Reply) => void = () => undefined;
    const answered = new Promise<Reply>((resolve) => (listener = resolve));
    this.child.once('message', listener);
    this.child.send({ name, argument } satisfies Call);
    const ended = this.ended.then((how): Reply => ({ error: `it ended before its answer: ${how}` }));
    const reply = await Promise.race([answered, ended]);
    this.child.off('message', listener);
    if (reply.error !== undefined) throw new Error(`${this.name}: ${name}: ${reply.error}`);
    return reply.value as T;
  }

  /** Ends the process by closing its channel: it is expected to have nothing left to do. */
  async stop(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await this.ended;
    clearTimeout(timer);
  }
}

/** The other end: serves calls until the channel closes, then ends the process. */
export function serveCalls(handlers: Handlers): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', ({ name, argument }: Call) => {
    const run = async (): Promise<unknown> => handlers[name](argument as never);
    run().then(
      (value) => process.send!({ value } satisfies Reply),
      (error: unknown) =>
        process.send!({
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        } satisfies Reply),
    );
  });
}
