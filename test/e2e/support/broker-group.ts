import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrokerConfig, createBroker, type RunningBroker } from '@rocknest/broker';
import { createNamesrv, type NamesrvConfig } from '@rocknest/namesrv';
import { waitFor } from '../../support/wait-for.js';

const SEGMENT_BYTES = 64 * 1024;

/** A namesrv, a master and slaves in this process; each of them can be stopped and started again on its store. */
export class BrokerGroup {
  readonly root = mkdtempSync(join(tmpdir(), 'rocknest-group-'));
  readonly log: string[] = [];
  private namesrv: { readonly address: string; close(): Promise<void> } | undefined;
  private readonly running = new Map<number, RunningBroker>();

  constructor(
    private readonly settings: Partial<BrokerConfig> = {},
    private readonly namesrvSettings: Partial<NamesrvConfig> = {},
  ) {}

  get namesrvAddr(): string {
    return this.namesrv!.address;
  }

  storePath(brokerId: number): string {
    return join(this.root, `broker-${brokerId}`);
  }

  /** @param brokerId 0: the master. */
  async start(brokerId: number, settings: Partial<BrokerConfig> = {}): Promise<RunningBroker> {
    this.namesrv ??= await createNamesrv({
      listenPort: 0,
      storePath: join(this.root, 'namesrv'),
      ...this.namesrvSettings,
    });
    const keep = (level: string) => (line: string) => void this.log.push(`${brokerId} ${level}: ${line}`);
    const broker = await createBroker(
      {
        brokerId,
        brokerRole: brokerId === 0 ? 'ASYNC_MASTER' : 'SLAVE',
        namesrvAddr: this.namesrvAddr,
        listenPort: 0,
        storePathRootDir: this.storePath(brokerId),
        mappedFileSizeCommitLog: SEGMENT_BYTES,
        slaveSynchronizeInterval: 100,
        haSendHeartbeatInterval: 200,
        diskSpaceCleanForciblyRatio: 100,
        diskSpaceWarningLevelRatio: 100,
        ...this.settings,
        ...settings,
      },
      { logger: { log: keep('log'), warn: keep('warn'), error: keep('error') } },
    );
    this.running.set(brokerId, broker);
    return broker;
  }

  async stop(brokerId: number): Promise<void> {
    const broker = this.running.get(brokerId);
    this.running.delete(brokerId);
    await broker?.close();
  }

  /** The segments of a broker that hold anything, by name, with their SHA-256. */
  segments(brokerId: number): Record<string, string> {
    return segmentHashes(this.storePath(brokerId));
  }

  /** Until the log of a slave is that of the master, byte for byte. */
  async replicated(slaveId = 1): Promise<void> {
    const isSame = (): boolean => JSON.stringify(this.segments(slaveId)) === JSON.stringify(this.segments(0));
    await waitFor(isSame, 'the log of the slave to be that of the master');
  }

  async close(): Promise<void> {
    for (const brokerId of [...this.running.keys()].sort((a, b) => b - a)) await this.stop(brokerId);
    await this.namesrv?.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The segments of a store that hold anything, by name, with their SHA-256. */
export function segmentHashes(storePath: string): Record<string, string> {
  const folder = join(storePath, 'commitlog');
  const hashes: Record<string, string> = {};
  for (const name of readdirSync(folder).sort()) {
    const bytes = readFileSync(join(folder, name));
    if (bytes.some((byte) => byte !== 0)) hashes[name] = createHash('sha256').update(bytes).digest('hex');
  }
  return hashes;
}
