import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../../support/child.js';
import { answers, waitForChildren, waitUntilRegistered } from '../../support/cluster-ready.js';
import { freePort } from '../../support/free-port.js';
import { serverClassPath } from './maven.js';
import { launchOfficial, properties, START_TIMEOUT_MS } from './official-process.js';
import { requireToolchain } from './toolchain.js';

export interface OfficialClusterOptions {
  version?: string;
  /** More lines of broker.conf. */
  brokerConfig?: Record<string, string | number | boolean>;
}

/** A running official namesrv and broker on free loopback ports, with its store in a temporary folder. */
export interface OfficialCluster {
  namesrvAddr: string;
  brokerAddr: string;
  brokerPid: number;
  stop(): Promise<void>;
}

export async function startOfficialCluster(options: OfficialClusterOptions = {}): Promise<OfficialCluster> {
  requireToolchain();
  const classPath = serverClassPath(options.version ?? '5.4.0');
  const folder = mkdtempSync(join(tmpdir(), 'rocknest-official-'));
  mkdirSync(join(folder, 'store'));
  const children: Child[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.stop(30_000)));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const namesrvPort = await freePort();
    const namesrvAddr = `127.0.0.1:${namesrvPort}`;
    const namesrvConfig = properties({
      listenPort: namesrvPort,
      bindAddress: '127.0.0.1',
      kvConfigPath: join(folder, 'kvConfig.json'),
      configStorePath: join(folder, 'namesrv.properties'),
    });
    children.push(
      launchOfficial(
        'namesrv',
        'org.apache.rocketmq.namesrv.NamesrvStartup',
        folder,
        namesrvConfig,
        ['-Xms128m', '-Xmx512m'],
        classPath,
      ),
    );
    await waitForChildren(
      children,
      () => answers(namesrvAddr),
      `the official namesrv on ${namesrvAddr}`,
      START_TIMEOUT_MS,
    );

    const brokerPort = await freePort([-2, 1]);
    const brokerAddr = `127.0.0.1:${brokerPort}`;
    const brokerConfig = properties({
      brokerClusterName: 'DefaultCluster',
      brokerName: 'broker-a',
      brokerId: 0,
      namesrvAddr,
      brokerIP1: '127.0.0.1',
      brokerIP2: '127.0.0.1',
      bindAddress: '127.0.0.1',
      listenPort: brokerPort,
      storePathRootDir: join(folder, 'store'),
      storePathCommitLog: join(folder, 'store', 'commitlog'),
      autoCreateTopicEnable: true,
      brokerRole: 'ASYNC_MASTER',
      flushDiskType: 'ASYNC_FLUSH',
      diskMaxUsedSpaceRatio: 95,
      // Many specs run at once: it would refuse what waited 200 ms.
      waitTimeMillsInSendQueue: 30_000,
      ...options.brokerConfig,
    });
    const broker = launchOfficial(
      'broker',
      'org.apache.rocketmq.broker.BrokerStartup',
      folder,
      brokerConfig,
      ['-Xms1g', '-Xmx2g', '-XX:MaxDirectMemorySize=2g'],
      classPath,
    );
    children.push(broker);
    await waitUntilRegistered(children, namesrvAddr, brokerAddr, START_TIMEOUT_MS);
    return { namesrvAddr, brokerAddr, brokerPid: broker.pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
