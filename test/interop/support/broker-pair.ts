import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerProcess, type ConfigValues, startRocknestCluster } from '../../support/rocknest-process.js';
import { OfficialBroker, startOfficialNamesrv } from './official-broker.js';

/** One broker of a group, whoever wrote it. */
export interface PairedBroker {
  /** Of the run under way. */
  readonly address: string;
  start(): Promise<unknown>;
}

/** A namesrv, a master that serves already, and its slave, which is still to be started. */
export interface BrokerPair {
  readonly namesrvAddr: string;
  readonly master: PairedBroker & { kill9(): Promise<void> };
  readonly slave: PairedBroker;
  stop(): Promise<void>;
}

/** Whoever gets a message counts as far behind, and is sent to the slave. */
const GROUP = {
  brokerClusterName: 'DefaultCluster',
  brokerName: 'broker-a',
  slaveReadEnable: true,
  accessMessageInMemoryMaxRatio: 0,
};
const MASTER: ConfigValues = { ...GROUP, brokerId: 0, brokerRole: 'ASYNC_MASTER' };
const SLAVE: ConfigValues = { ...GROUP, brokerId: 1, brokerRole: 'SLAVE' };
const SLAVE_SYNCHRONIZE_INTERVAL_MS = 500;

/** Our namesrv and brokers, each a process. */
export async function startOurPair(): Promise<BrokerPair> {
  const cluster = await startRocknestCluster(MASTER);
  const { namesrvAddr, broker: master } = cluster;
  const config = { ...SLAVE, slaveSynchronizeInterval: SLAVE_SYNCHRONIZE_INTERVAL_MS };
  const slave = await BrokerProcess.create({ namesrvAddr, config });
  const stop = async (): Promise<void> => {
    await slave.remove();
    await cluster.stop();
  };
  return {
    namesrvAddr,
    master: { address: master.brokerAddr, start: () => master.start(), kill9: () => master.kill9() },
    slave: { address: slave.brokerAddr, start: () => slave.start() },
    stop,
  };
}

/** The official ones of 5.4.0. */
export async function startOfficialPair(): Promise<BrokerPair> {
  const folder = mkdtempSync(join(tmpdir(), 'rocknest-pair-'));
  const namesrv = await startOfficialNamesrv(folder);
  const storeOf = (name: string): string => join(folder, name, 'store');
  const broker = (name: string, config: ConfigValues): OfficialBroker =>
    new OfficialBroker(join(folder, name), storeOf(name), namesrv.address, config);
  const master = broker('master', MASTER);
  const slave = broker('slave', SLAVE);
  const stop = async (): Promise<void> => {
    await slave.stop();
    await master.stop();
    await namesrv.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await master.start();
  } catch (error) {
    await stop();
    throw error;
  }
  const startSlave = (): Promise<unknown> => {
    // It asks its master for topics 60 s after its start.
    const topics = join('config', 'topics.json');
    cpSync(join(storeOf('master'), topics), join(storeOf('slave'), topics));
    return slave.start();
  };
  return {
    namesrvAddr: namesrv.address,
    master,
    slave: {
      get address() {
        return slave.address;
      },
      start: startSlave,
    },
    stop,
  };
}
