import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Child } from '../../support/child.js';
import { answers, waitForChildren, waitUntilRegistered } from '../../support/cluster-ready.js';
import { freePort } from '../../support/free-port.js';
import type { ConfigValues } from '../../support/rocknest-process.js';
import { serverClassPath } from './maven.js';
import { launchOfficial, properties, START_TIMEOUT_MS } from './official-process.js';

const VERSION = '5.4.0';
/** It waits several times for its threads while it stops. */
const STOP_TIMEOUT_MS = 60_000;

export interface OfficialNamesrv {
  readonly address: string;
  stop(): Promise<void>;
}

export async function startOfficialNamesrv(folder: string, settings: ConfigValues = {}): Promise<OfficialNamesrv> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const config = properties({
    listenPort: port,
    bindAddress: '127.0.0.1',
    kvConfigPath: join(folder, 'kvConfig.json'),
    configStorePath: join(folder, 'namesrv.properties'),
    ...settings,
  });
  const main = 'org.apache.rocketmq.namesrv.NamesrvStartup';
  const child = launchOfficial('namesrv', main, folder, config, ['-Xms128m', '-Xmx512m'], serverClassPath(VERSION));
  await waitForChildren([child], () => answers(address), `the official namesrv on ${address}`, START_TIMEOUT_MS);
  return { address, stop: () => child.stop() };
}

/** The official broker on a store folder, to be stopped, killed and started again. */
export class OfficialBroker {
  private child: Child | undefined;
  private starts = 0;
  private port = 0;

  constructor(
    private readonly folder: string,
    private readonly storePath: string,
    private readonly namesrvAddr: string,
    private readonly config: ConfigValues,
  ) {
    mkdirSync(folder, { recursive: true });
  }

  /** Of the run under way. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Of the run under way. */
  get pid(): number {
    if (this.child === undefined) throw new Error('the broker was not started');
    return this.child.pid;
  }

  private allConfig(config: ConfigValues): ConfigValues {
    const { storePath, namesrvAddr, port } = this;
    return {
      brokerId: 0,
      namesrvAddr,
      brokerIP1: '127.0.0.1',
      brokerIP2: '127.0.0.1',
      bindAddress: '127.0.0.1',
      listenPort: port,
      storePathRootDir: storePath,
      storePathCommitLog: join(storePath, 'commitlog'),
      brokerRole: 'ASYNC_MASTER',
      flushDiskType: 'ASYNC_FLUSH',
      diskMaxUsedSpaceRatio: 95,
      ...this.config,
      ...config,
    };
  }

  /** On ports of their own each time: while it is stopped, any connection may take one. @returns the milliseconds until it served and was registered. */
  async start(config: ConfigValues = {}): Promise<number> {
    const startedAt = performance.now();
    this.port = await freePort([-2, 1]);
    this.child = launchOfficial(
      `broker-${++this.starts}`,
      'org.apache.rocketmq.broker.BrokerStartup',
      this.folder,
      properties(this.allConfig(config)),
      ['-Xms1g', '-Xmx2g', '-XX:MaxDirectMemorySize=2g'],
      serverClassPath(VERSION),
    );
    await waitUntilRegistered([this.child], this.namesrvAddr, this.address, START_TIMEOUT_MS);
    return performance.now() - startedAt;
  }

  async stop(): Promise<void> {
    await this.child?.stop(STOP_TIMEOUT_MS);
  }

  async kill9(): Promise<void> {
    await this.child?.kill('SIGKILL');
  }

  /** What the last run logged as a warning or an error, without the stack traces. */
  logged(level: 'WARN' | 'ERROR'): string[] {
    const text = readFileSync(join(this.folder, `broker-${this.starts}.log`), 'utf8');
    return text.split('\n').filter((line) => line.split(' ')[1] === level);
  }
}
