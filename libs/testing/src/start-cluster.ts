import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrokerConfig, createBroker, type RunningBroker } from '@rocknest/broker';
import { createNamesrv } from '@rocknest/namesrv';
import { DEFAULT_SEGMENT_SIZE_BYTES } from './defaults.js';

export interface ClusterOptions {
  /** How many namesrvs. Default 1. */
  readonly namesrvs?: number;
  /** How many broker groups: broker-a, broker-b, ... Default 1. */
  readonly brokers?: number;
  /**
   * Folder that keeps the stores, one folder for each broker under its name; it stays after `stop()`, and a second cluster on it goes on where the
   * first one was. Default: a new folder under the system's temporary folder, removed at `stop()`.
   */
  readonly storeRoot?: string;
  /** Settings of every broker on top of those for tests. */
  readonly broker?: Partial<BrokerConfig>;
}

/** A cluster in this process. */
export interface RunningCluster {
  /** What clients are configured with: `host:port;host:port`. */
  readonly namesrvAddr: string;
  readonly brokers: readonly RunningBroker[];
  /** Stops brokers, then namesrvs, and removes the temporary folder. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts namesrvs and brokers in this process, on free ports of 127.0.0.1, with stores in a temporary folder: for tests of
 * Rocknest and of applications that use it.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<RunningCluster> {
  const cleanups: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) await cleanup();
  };
  try {
    const storeRoot = options.storeRoot ?? (await temporaryFolder(cleanups));
    const namesrvAddresses: string[] = [];
    for (let i = 0; i < (options.namesrvs ?? 1); i++) {
      const namesrv = await createNamesrv({ listenPort: 0, storePath: join(storeRoot, `namesrv-${i}`) });
      cleanups.push(() => namesrv.close());
      namesrvAddresses.push(namesrv.address);
    }
    const namesrvAddr = namesrvAddresses.join(';');
    const brokers: RunningBroker[] = [];
    for (let i = 0; i < (options.brokers ?? 1); i++) {
      const broker = await createBroker(brokerConfig(i, storeRoot, namesrvAddr, options.broker));
      cleanups.push(() => broker.close());
      brokers.push(broker);
    }
    let stopping: Promise<void> | undefined;
    return { namesrvAddr, brokers, stop: () => (stopping ??= stop()) };
  } catch (error) {
    await stop();
    throw error;
  }
}

function brokerConfig(
  index: number,
  storeRoot: string,
  namesrvAddr: string,
  settings: Partial<BrokerConfig> | undefined,
): Partial<BrokerConfig> {
  const brokerName = `broker-${String.fromCharCode('a'.charCodeAt(0) + index)}`;
  return {
    brokerName,
    listenPort: 0,
    namesrvAddr,
    storePathRootDir: join(storeRoot, brokerName),
    mappedFileSizeCommitLog: DEFAULT_SEGMENT_SIZE_BYTES,
    // The disk of a developer's machine may be nearly full: that is no reason for a test to fail.
    diskSpaceCleanForciblyRatio: 100,
    diskSpaceWarningLevelRatio: 100,
    ...settings,
  };
}

async function temporaryFolder(cleanups: (() => Promise<unknown>)[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rocknest-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
