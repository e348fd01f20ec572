import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.js';
import { answers, waitForChildren, waitUntilRegistered } from './cluster-ready.js';
import { freePort } from './free-port.js';
import { projectRoot } from './project-root.js';

const START_TIMEOUT_MS = 60_000;

/** `TEST_DIST` names another build than `dist`. */
export function mainFile(app: 'broker' | 'namesrv' | 'rocknest'): string {
  const file = join(process.env.TEST_DIST ?? join(projectRoot, 'dist'), app, 'main.js');
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build`);
  return file;
}

export type ConfigValues = Record<string, string | number | boolean>;

function launch(
  app: 'broker' | 'namesrv',
  folder: string,
  config: ConfigValues,
  nodeArgs: readonly string[] = [],
): Child {
  const file = join(folder, `${app}.conf`);
  const lines = Object.entries(config).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(file, lines.join(''));
  const foreign = (name: string): boolean =>
    name === 'NAMESRV_ADDR' || name === 'DATABASE_URL' || name.startsWith('ROCKNEST_');
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign(name)));
  return new Child({
    name: `rocknest ${app}`,
    command: process.execPath,
    args: [...nodeArgs, mainFile(app), '-c', file],
    cwd: folder,
    env,
  });
}

export interface BrokerProcessOptions {
  /** Lines of broker.conf. */
  config?: ConfigValues;
  /** A namesrv of its own process; otherwise the broker brings its own up. */
  namesrvAddr?: string;
  nodeArgs?: readonly string[];
}

/**
 * The built broker in a process of its own, that can be killed and started again on the same store and the same ports.
 */
export class BrokerProcess {
  private child: Child | undefined;

  private constructor(
    readonly folder: string,
    readonly brokerAddr: string,
    readonly namesrvAddr: string,
    private readonly config: ConfigValues,
    private readonly nodeArgs: readonly string[],
  ) {}

  /** Prepares a folder and free ports; `start` starts it. */
  static async create(options: BrokerProcessOptions = {}): Promise<BrokerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'rocknest-broker-'));
    mkdirSync(join(folder, 'store'));
    const listenPort = await freePort([-2, 1]);
    const network: ConfigValues = { listenPort, storePathRootDir: join(folder, 'store') };
    let namesrvAddr = options.namesrvAddr;
    if (namesrvAddr === undefined) {
      const namesrvPort = await freePort();
      network.namesrvPort = namesrvPort;
      namesrvAddr = `127.0.0.1:${namesrvPort}`;
    } else {
      network.namesrvAddr = namesrvAddr;
    }
    const config = { ...network, ...options.config };
    return new BrokerProcess(folder, `127.0.0.1:${listenPort}`, namesrvAddr, config, options.nodeArgs ?? []);
  }

  get storePath(): string {
    return join(this.folder, 'store');
  }

  get process(): Child {
    if (this.child === undefined) throw new Error('the broker was not started');
    return this.child;
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Starts the process and waits until it serves and is registered. @returns the milliseconds that took. */
  async start(config: ConfigValues = {}): Promise<number> {
    const startedAt = performance.now();
    this.child = launch('broker', this.folder, { ...this.config, ...config }, this.nodeArgs);
    for (const namesrv of this.namesrvAddr.split(';'))
      await waitUntilRegistered([this.child], namesrv, this.brokerAddr, START_TIMEOUT_MS);
    await waitForChildren(
      [this.child],
      () => answers(this.brokerAddr),
      `the broker on ${this.brokerAddr}`,
      START_TIMEOUT_MS,
    );
    return performance.now() - startedAt;
  }

  /** SIGKILL, as a crash of the process would be. */
  async kill9(): Promise<void> {
    await this.process.kill('SIGKILL');
  }

  /** SIGTERM; fails where the process has to be killed. */
  async stop(): Promise<void> {
    await this.child?.stop();
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The built namesrv in a process of its own, that can be stopped, paused and started again on its port. */
export class NamesrvProcess {
  private child: Child | undefined;

  private constructor(
    private readonly folder: string,
    readonly address: string,
  ) {}

  /** Prepares a folder and a free port; `start` starts it. */
  static async create(): Promise<NamesrvProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'rocknest-namesrv-'));
    return new NamesrvProcess(folder, `127.0.0.1:${await freePort()}`);
  }

  async start(): Promise<void> {
    const listenPort = Number(this.address.split(':')[1]);
    this.child = launch('namesrv', this.folder, { listenPort, storePath: join(this.folder, 'store') });
    const what = `the namesrv on ${this.address}`;
    await waitForChildren([this.child], () => answers(this.address), what, START_TIMEOUT_MS);
  }

  async stop(): Promise<void> {
    await this.child?.stop();
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface RocknestCluster {
  namesrvAddr: string;
  broker: BrokerProcess;
  stop(): Promise<void>;
}

/** The built namesrv and the built broker, each in a process of its own. */
export async function startRocknestCluster(config: ConfigValues = {}): Promise<RocknestCluster> {
  const namesrv = await NamesrvProcess.create();
  const namesrvAddr = namesrv.address;
  const broker = await BrokerProcess.create({ namesrvAddr, config });
  const stop = async (): Promise<void> => {
    await broker.remove();
    await namesrv.remove();
  };
  try {
    await namesrv.start();
    await broker.start();
    return { namesrvAddr, broker, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
