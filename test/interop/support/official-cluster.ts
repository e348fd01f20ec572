import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from '../../support/child.js';
import { answers, waitForChildren, waitUntilRegistered } from '../../support/cluster-ready.js';
import { freePort } from '../../support/free-port.js';
import { serverClassPath } from './maven.js';
import { requireToolchain } from './toolchain.js';

const START_TIMEOUT_MS = 180_000;

/** What the official servers need on JDK 17. */
const JVM_FLAGS = [
  '-XX:+UseG1GC',
  '-XX:MaxMetaspaceSize=320m',
  '--add-opens=java.base/java.nio=ALL-UNNAMED',
  '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-opens=java.base/java.lang=ALL-UNNAMED',
  '--add-opens=java.base/java.util=ALL-UNNAMED',
  '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED',
  '--add-exports=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-exports=java.base/sun.security.x509=ALL-UNNAMED',
];

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

function properties(values: Record<string, string | number | boolean>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function writeLogging(folder: string, name: string): string {
  const file = join(folder, `${name}.logback.xml`);
  writeFileSync(
    file,
    `<configuration><appender name="F" class="ch.qos.logback.core.FileAppender"><file>${join(folder, `${name}.log`)}</file>` +
      '<encoder><pattern>%d{HH:mm:ss.SSS} %level %logger{0} %msg%n</pattern></encoder></appender>' +
      '<root level="WARN"><appender-ref ref="F"/></root></configuration>',
  );
  return file;
}

function launch(
  name: string,
  mainClass: string,
  folder: string,
  config: string,
  heap: string[],
  classPath: string,
): Child {
  const configFile = join(folder, `${name}.conf`);
  writeFileSync(configFile, config);
  return new Child({
    name: `official ${name}`,
    command: 'java',
    args: [
      ...heap,
      ...JVM_FLAGS,
      `-Duser.home=${folder}`,
      `-Drmq.logback.configurationFile=${writeLogging(folder, name)}`,
      '-cp',
      classPath,
      mainClass,
      '-c',
      configFile,
    ],
    env: { ...process.env, ROCKETMQ_HOME: folder, NAMESRV_ADDR: '' },
  });
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
      launch(
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
      ...options.brokerConfig,
    });
    const broker = launch(
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
