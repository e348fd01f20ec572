import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrokerConfig, createBroker, type RunningBroker } from '@rocknest/broker';
import { createNamesrv, type RunningNamesrv } from '@rocknest/namesrv';
import { freePort } from '../../support/free-port.js';
import { waitFor } from '../../support/wait-for.js';
import { segmentHashes } from './broker-group.js';

const SEGMENT_BYTES = 1024 * 1024;

/** Broker groups of a cluster. */
export const GROUPS = ['group-a', 'group-b'] as const;

/**
 * Two namesrvs, and two broker groups of a SYNC_MASTER and its slave, in this process. Each of the six can be stopped, and started again on its ports and
 * its store.
 */
export class BrokerCluster {
  readonly root = mkdtempSync(join(tmpdir(), 'rocknest-cluster-'));
  readonly log: string[] = [];
  private readonly namesrvs: (RunningNamesrv | undefined)[] = [];
  private readonly namesrvPorts: number[] = [];
  private readonly brokers = new Map<string, RunningBroker>();
  private readonly ports = new Map<string, number>();

  /** @param extraNamesrvs further addresses that all brokers are told, of what the test puts there. */
  private constructor(
    private readonly settings: Partial<BrokerConfig>,
    private readonly extraNamesrvs: readonly string[],
  ) {}

  static async start(
    settings: Partial<BrokerConfig> = {},
    extraNamesrvs: readonly string[] = [],
  ): Promise<BrokerCluster> {
    const cluster = new BrokerCluster(settings, extraNamesrvs);
    for (const index of [0, 1]) await cluster.startNamesrv(index);
    for (const group of GROUPS) for (const brokerId of [0, 1]) await cluster.startBroker(group, brokerId);
    for (const group of GROUPS) await cluster.replicates(group);
    return cluster;
  }

  get namesrvAddr(): string {
    return [...this.extraNamesrvs, ...this.namesrvPorts.map((port) => `127.0.0.1:${port}`)].join(';');
  }

  broker(group: string, brokerId: number): RunningBroker | undefined {
    return this.brokers.get(`${group}-${brokerId}`);
  }

  async startNamesrv(index: number): Promise<void> {
    const listenPort = this.namesrvPorts[index] ?? 0;
    const namesrv = await createNamesrv({ listenPort, storePath: join(this.root, `namesrv-${index}`) });
    this.namesrvs[index] = namesrv;
    this.namesrvPorts[index] = namesrv.port;
  }

  async stopNamesrv(index: number): Promise<void> {
    const namesrv = this.namesrvs[index];
    this.namesrvs[index] = undefined;
    await namesrv?.close();
  }

  async startBroker(group: string, brokerId: number): Promise<void> {
    const name = `${group}-${brokerId}`;
    // With the one behind it, for slaves.
    const listenPort = this.ports.get(name) ?? (await freePort([1]));
    this.ports.set(name, listenPort);
    const keep = (level: string) => (line: string) => void this.log.push(`${name} ${level}: ${line}`);
    const broker = await createBroker(
      {
        brokerName: group,
        brokerId,
        brokerRole: brokerId === 0 ? 'SYNC_MASTER' : 'SLAVE',
        enableAutoInSyncReplicas: true,
        namesrvAddr: this.namesrvAddr,
        listenPort,
        vipChannelEnable: false,
        storePathRootDir: join(this.root, name),
        mappedFileSizeCommitLog: SEGMENT_BYTES,
        slaveSynchronizeInterval: 100,
        haSendHeartbeatInterval: 200,
        diskSpaceCleanForciblyRatio: 100,
        diskSpaceWarningLevelRatio: 100,
        ...this.settings,
      },
      { logger: { log: keep('log'), warn: keep('warn'), error: keep('error') } },
    );
    this.brokers.set(name, broker);
  }

  async stopBroker(group: string, brokerId: number): Promise<void> {
    const name = `${group}-${brokerId}`;
    const broker = this.brokers.get(name);
    this.brokers.delete(name);
    await broker?.close();
  }

  /** Until the log of a group's slave is that of its master, byte for byte. */
  async replicates(group: string): Promise<void> {
    const hashes = (brokerId: number): string => JSON.stringify(segmentHashes(join(this.root, `${group}-${brokerId}`)));
    await waitFor(() => hashes(0) === hashes(1), `the slave of ${group} to have the log of its master`);
  }

  async close(): Promise<void> {
    for (const group of GROUPS) for (const brokerId of [1, 0]) await this.stopBroker(group, brokerId);
    for (const index of this.namesrvs.keys()) await this.stopNamesrv(index);
    rmSync(this.root, { recursive: true, force: true });
  }
}
