import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../../support/child.js';
import { cacheFolder, harnessClassPath } from './maven.js';

/** One JSON line of the harness. */
export interface HarnessEvent extends Record<string, unknown> {
  event: string;
}

export type HarnessOptions = Record<string, string | number | boolean>;

/** The client's 3 s are over before a JVM's first connection stands, on a machine of two cores that runs everything at once. */
const CONNECT_TIMEOUT_MS = 30_000;

/**
 * How often the client looks for changes of its group and its queues by itself, after 20 s where nothing is set: locks that were taken, modes of
 * consumption. What the broker tells it is not waited for so long; see `java-rebalance.spec.ts`.
 */
const REBALANCE_INTERVAL = 'rocketmq.client.rebalance.waitInterval';
const REBALANCE_INTERVAL_MS = 1_000;

/** A command of the Java harness under way. */
export class HarnessProcess {
  readonly events: HarnessEvent[] = [];
  private readonly waiters = new Set<() => void>();
  private readonly child: Child;

  constructor(version: string, command: string, options: HarnessOptions, systemProperties: HarnessOptions = {}) {
    const home = join(cacheFolder, 'home');
    mkdirSync(home, { recursive: true });
    this.child = new Child({
      name: `java client ${version} ${command}`,
      command: 'java',
      args: [
        '-Xmx512m',
        '-XX:+UseSerialGC',
        `-Duser.home=${home}`,
        '-Drocketmq.client.logLevel=ERROR',
        `-Dcom.rocketmq.remoting.client.connect.timeout=${CONNECT_TIMEOUT_MS}`,
        ...Object.entries({ [REBALANCE_INTERVAL]: REBALANCE_INTERVAL_MS, ...systemProperties }).map(
          ([name, value]) => `-D${name}=${String(value)}`,
        ),
        '-cp',
        harnessClassPath(version),
        'rocknest.interop.Main',
        command,
        ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ],
    });
    this.child.onLine((line) => {
      if (line.startsWith('{"event"')) this.events.push(JSON.parse(line) as HarnessEvent);
      this.wake();
    });
    void this.child.waitForExit().then(() => this.wake());
  }

  get pid(): number {
    return this.child.pid;
  }

  /** A line for a command that reads its input (load). */
  write(line: string): void {
    this.child.write(line);
  }

  /** Waits for the first event from number `start` on that `matches`; fails when the process ends without it. */
  async waitFor(matches: (event: HarnessEvent) => boolean, what: string, start = 0): Promise<HarnessEvent> {
    for (;;) {
      const found = this.events.slice(start).find(matches);
      if (found !== undefined) return found;
      if (!this.child.running) throw new Error(`${this.child.name} ended without ${what}\n${this.child.tail()}`);
      await new Promise<void>((resolve) => this.waiters.add(resolve));
    }
  }

  /** Waits for the end and returns the `done` event; an `error` event fails. */
  async result(): Promise<HarnessEvent> {
    const last = await this.waitFor((event) => event.event === 'done' || event.event === 'error', 'a result');
    await this.child.waitForExit();
    if (last.event === 'error') throw new Error(`${this.child.name}: ${String(last.message)}\n${this.child.tail()}`);
    return last;
  }

  /** Asks a command that runs until told (consume, load) to end. */
  finish(): Promise<HarnessEvent> {
    this.child.endInput();
    return this.result();
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.child.kill('SIGKILL');
  }

  /** Ends the process whatever it does. */
  async stop(): Promise<void> {
    this.child.endInput();
    await this.child.stop();
  }

  private wake(): void {
    const woken = [...this.waiters];
    this.waiters.clear();
    for (const resolve of woken) resolve();
  }
}

/** The official Java client of one version, pointed at one cluster. */
export class JavaClient {
  private readonly running = new Set<HarnessProcess>();

  constructor(
    readonly version: string,
    readonly namesrvAddr: string,
  ) {}

  /** @param systemProperties of the JVM: settings that the client takes from nowhere else. */
  start(command: string, options: HarnessOptions, systemProperties: HarnessOptions = {}): HarnessProcess {
    const harness = new HarnessProcess(
      this.version,
      command,
      { namesrv: this.namesrvAddr, ...options },
      systemProperties,
    );
    this.running.add(harness);
    return harness;
  }

  async run(command: string, options: HarnessOptions): Promise<HarnessEvent> {
    return this.start(command, options).result();
  }

  /** Ends what still runs. */
  async stop(): Promise<void> {
    await Promise.all([...this.running].map((harness) => harness.stop()));
  }
}
