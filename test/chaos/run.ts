import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, silentLogger } from '@rocknest/client-core';
import { Child } from '../support/child.js';
import { waitFor } from '../support/wait-for.js';
import { ChaosCluster } from './chaos-cluster.js';
import { checkHistory } from './checker.js';
import type { ClientSetup } from './client.js';
import { HistoryFile } from './history-file.js';
import { messageName, type GotEvent } from './history.js';
import { Injector } from './injector.js';
import { groupName, type ClusterShape } from './members.js';
import { openNetwork, type ChaosNetwork } from './network.js';
import { outagesOf, undisturbed, type Outage, type Suspension } from './outages.js';
import { makePlan, makeSinglePlan, type FaultStyle } from './plan.js';
import { checkStores } from './stores.js';

export interface RunOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly faults: FaultStyle;
  readonly shape: ClusterShape;
  readonly queuesPerGroup: number;
  /** ms between two messages of a queue. */
  readonly pauseMs: number;
  /** The built client process. */
  readonly clientFile: string;
  /** Keep the folder of the run also where nothing is wrong. */
  readonly keep: boolean;
  readonly say: (line: string) => void;
}

export interface RunResult {
  readonly violations: readonly string[];
  readonly outages: readonly Outage[];
  readonly acknowledged: number;
  readonly failed: number;
  /** How many were done. */
  readonly faults: number;
  readonly folder: string | undefined;
}

const TOPIC = 'chaos';
const GROUPS = { ordered: 'GID_ordered', concurrent: 'GID_concurrent' };
const START_TIMEOUT_MS = 60_000;
/** After the last fault was undone: until every queue takes messages again, and until consumers have caught up. */
const RECOVER_TIMEOUT_MS = 180_000;
const DRAIN_TIMEOUT_MS = 180_000;

/** One run: a cluster, clients on it, faults of a seed, and the check of what the clients saw. */
export async function runChaos(options: RunOptions): Promise<RunResult> {
  const folder = mkdtempSync(join(tmpdir(), 'rocknest-chaos-'));
  const network = openNetwork(`rc${process.pid % 10_000}`);
  let suspend: (() => void) | undefined;
  try {
    const cluster = await ChaosCluster.create(network, options.shape, folder);
    const run = new ChaosRun(options, network, cluster, folder);
    suspend = () => run.suspend();
    process.on('SIGTSTP', suspend);
    const result = await run.run();
    const kept = options.keep || result.violations.length > 0;
    if (!kept) rmSync(folder, { recursive: true, force: true });
    return { ...result, folder: kept ? folder : undefined };
  } finally {
    if (suspend !== undefined) process.off('SIGTSTP', suspend);
    network.close();
  }
}

class ChaosRun {
  private readonly history: HistoryFile;
  private readonly admin: MQAdmin;
  private readonly suspensions: Suspension[] = [];
  private client: Child | undefined;
  private injector: Injector | undefined;

  constructor(
    private readonly options: RunOptions,
    private readonly network: ChaosNetwork,
    private readonly cluster: ChaosCluster,
    private readonly folder: string,
  ) {
    this.history = new HistoryFile(join(folder, 'history'));
    this.admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
  }

  async run(): Promise<Omit<RunResult, 'folder'>> {
    const { cluster, options } = this;
    try {
      await this.startCluster();
      const client = await this.startClient();
      const injector = (this.injector = new Injector(cluster, this.network, {
        masterOf: (group) => this.masterOf(group),
        say: options.say,
      }));
      const { groups, membersPerGroup, namesrvs, lease } = options.shape;
      const plan = (options.faults === 'single' ? makeSinglePlan : makePlan)({
        seed: options.seed,
        durationMs: options.durationMs,
        groups,
        membersPerGroup,
        namesrvs,
        cutsLines: this.network.cutsLines,
        hasLeaseStore: lease === 'etcd',
      });
      await injector.run(plan, Date.now());
      await injector.heal();
      options.say('all faults are undone');
      const violations = await this.settle(client);
      const events = this.history.read();
      violations.push(...checkHistory(events, { groups: Object.values(GROUPS), orderedGroups: [GROUPS.ordered] }));
      await this.stop();
      violations.push(...checkStores(cluster.brokers));
      return {
        violations,
        outages: outagesOf(events, undisturbed(injector.losses, this.suspensions)),
        acknowledged: events.filter(({ e }) => e === 'ack').length,
        failed: events.filter(({ e }) => e === 'fail').length,
        faults: injector.done,
      };
    } finally {
      await this.stop();
    }
  }

  /** Ctrl-Z, or `kill -TSTP`: the whole run stands still until SIGCONT, and its faults go on where they were. */
  suspend(): void {
    const { client, cluster, options } = this;
    const fromMs = Date.now();
    const isClientUp = client?.running === true;
    cluster.suspend();
    if (isClientUp) process.kill(client.pid, 'SIGSTOP');
    process.kill(process.pid, 'SIGSTOP');
    if (isClientUp) process.kill(client.pid, 'SIGCONT');
    cluster.resume();
    const toMs = Date.now();
    this.suspensions.push({ fromMs, toMs });
    this.injector?.suspended(toMs - fromMs);
    options.say(`stood still for ${((toMs - fromMs) / 1000).toFixed(1)} s`);
  }

  private async startCluster(): Promise<void> {
    const { cluster, options } = this;
    for (const member of cluster.members) cluster.start(member);
    await waitFor(
      () =>
        this.admin.start().then(
          () => true,
          () => false,
        ),
      'a namesrv',
      START_TIMEOUT_MS,
    );
    await waitFor(
      async () => {
        const ended = cluster.members.find(({ child }) => child?.running === false);
        if (ended) throw new Error(`${ended.name} ended while starting\n${ended.child?.tail()}`);
        const known = await this.addresses();
        return Array.from({ length: options.shape.groups }, (_, group) => known.get(groupName(group))).every(
          (addresses) => addresses?.has(0) === true && addresses.size === options.shape.membersPerGroup,
        );
      },
      'every broker to be known',
      START_TIMEOUT_MS,
    );
  }

  private async startClient(): Promise<Child> {
    const { options, cluster, network, folder } = this;
    const queues = Array.from({ length: options.shape.groups }, (_, group) =>
      Array.from({ length: options.queuesPerGroup }, (_unused, queueId) => ({
        topic: TOPIC,
        brokerName: groupName(group),
        queueId,
      })),
    ).flat();
    const setup: ClientSetup = {
      namesrvAddr: cluster.namesrvAddr,
      topic: TOPIC,
      queues,
      queuesPerGroup: options.queuesPerGroup,
      orderedGroup: GROUPS.ordered,
      concurrentGroup: GROUPS.concurrent,
      historyFile: join(folder, 'history'),
      pauseMs: options.pauseMs,
    };
    const [command, ...args] = network.commandOn('client', [
      process.execPath,
      options.clientFile,
      JSON.stringify(setup),
    ]);
    const client = (this.client = new Child({ name: 'client', command, args }));
    await this.everyLaneTakes(client, queues.length);
    return client;
  }

  /** Every queue acknowledges a message from now on, and some of each group are consumed. */
  private async everyLaneTakes(client: Child, lanes: number): Promise<void> {
    const before = this.history.read().length;
    await waitFor(
      () => {
        if (!client.running) throw new Error(`the clients ended\n${client.tail()}`);
        const later = this.history.read().slice(before);
        const count = (e: 'ack' | 'got'): number =>
          new Set(later.filter((event) => event.e === e).map(({ lane }) => lane)).size;
        return count('ack') === lanes && count('got') === lanes;
      },
      'every queue to take and give messages',
      RECOVER_TIMEOUT_MS,
    );
  }

  /** @returns what did not come back by itself. */
  private async settle(client: Child): Promise<string[]> {
    const { shape, queuesPerGroup } = this.options;
    try {
      await this.everyLaneTakes(client, shape.groups * queuesPerGroup);
      client.write('stop');
      const isDone = (): boolean => {
        const events = this.history.read();
        const got = events.filter((event): event is GotEvent => event.e === 'got');
        return Object.values(GROUPS).every((group) => {
          const seen = new Set(got.filter((event) => event.group === group).map(messageName));
          return events.every((event) => event.e !== 'ack' || seen.has(messageName(event)));
        });
      };
      await waitFor(async () => isDone() || (await pause(500)), 'consumers to catch up', DRAIN_TIMEOUT_MS);
      return [];
    } catch (error) {
      return [`the cluster did not come back: ${(error as Error).message}`];
    }
  }

  private async stop(): Promise<void> {
    const { client } = this;
    client?.write('end');
    client?.endInput();
    await client?.stop();
    await this.admin.shutdown();
    await this.cluster.stopAll();
  }

  /** By group: the addresses of its members by broker id, as a namesrv tells them. */
  private async addresses(): Promise<Map<string, ReadonlyMap<number, string>>> {
    const { brokerAddrTable } = await this.admin.examineBrokerClusterInfo();
    return new Map(Object.values(brokerAddrTable).map(({ brokerName, brokerAddrs }) => [brokerName, brokerAddrs]));
  }

  private async masterOf(group: number): Promise<string | undefined> {
    const known = await this.addresses().catch(() => undefined);
    const address = known?.get(groupName(group))?.get(0);
    return this.cluster.brokers.find((member) => member.address === address)?.name;
  }
}

function pause(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(resolve, ms, false));
}
