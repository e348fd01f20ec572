import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrokerConfig, createBroker, type RunningBroker } from '@rocknest/broker';
import { createNamesrv } from '@rocknest/namesrv';
import { BrokerClient } from '../../support/broker-client.js';
import { waitFor } from '../../support/wait-for.js';
import { segmentHashes } from './broker-group.js';

const SEGMENT_BYTES = 64 * 1024;

/** A namesrv and the members of a group that elects its master, in this process, with the lease in a SQLite file. */
export class MemberGroup {
  readonly root = mkdtempSync(join(tmpdir(), 'rocknest-members-'));
  readonly log: string[] = [];
  private namesrv: { readonly address: string; close(): Promise<void> } | undefined;
  private readonly running = new Map<number, RunningBroker>();
  private readonly clients: BrokerClient[] = [];

  constructor(private readonly settings: Partial<BrokerConfig> = {}) {}

  get leaseStore(): string {
    return `sqlite:${join(this.root, 'lease.db')}`;
  }

  get namesrvAddr(): string {
    return this.namesrv!.address;
  }

  storePath(brokerId: number): string {
    return join(this.root, `broker-${brokerId}`);
  }

  async start(brokerId: number, settings: Partial<BrokerConfig> = {}): Promise<RunningBroker> {
    this.namesrv ??= await createNamesrv({ listenPort: 0, storePath: join(this.root, 'namesrv') });
    const keep = (level: string) => (line: string) => void this.log.push(`${brokerId} ${level}: ${line}`);
    const broker = await createBroker(
      {
        brokerId,
        brokerName: 'members',
        leaseStore: this.leaseStore,
        leaseDuration: 1_000,
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

  address(brokerId: number): string {
    return this.running.get(brokerId)!.address;
  }

  client(brokerId: number): BrokerClient {
    const client = new BrokerClient(this.address(brokerId));
    this.clients.push(client);
    return client;
  }

  /** How many lines of the log of a member match. */
  lines(brokerId: number, pattern: RegExp): number {
    return this.log.filter((line) => line.startsWith(`${brokerId} `) && pattern.test(line)).length;
  }

  /** Until a member takes messages as master, for the `times`-th time. */
  async leads(brokerId: number, times = 1): Promise<void> {
    await this.logged(brokerId, /takes messages now/, times);
  }

  /** Waits for the first of all that takes messages. @returns its id. */
  async leader(): Promise<number> {
    return waitFor(
      () => [...this.running.keys()].find((id) => this.lines(id, /takes messages now/) > 0),
      'a master',
      30_000,
    );
  }

  async logged(brokerId: number, pattern: RegExp, times = 1): Promise<void> {
    await waitFor(
      () => this.lines(brokerId, pattern) >= times,
      `${pattern} in the log of broker ${brokerId}`,
      30_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.log.join('\n')}`);
    });
  }

  /** Until the log of all members that run is the same, byte for byte. */
  async replicated(): Promise<void> {
    const isSame = (): boolean =>
      new Set([...this.running.keys()].map((id) => JSON.stringify(segmentHashes(this.storePath(id))))).size === 1;
    await waitFor(isSame, 'the logs of all members to be the same', 30_000);
  }

  async close(): Promise<void> {
    for (const client of this.clients) await client.close();
    for (const brokerId of [...this.running.keys()]) await this.stop(brokerId);
    await this.namesrv?.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}
