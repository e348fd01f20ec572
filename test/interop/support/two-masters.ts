import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerProcess, type ConfigValues, NamesrvProcess } from '../../support/rocknest-process.js';
import { OfficialBroker, startOfficialNamesrv } from './official-broker.js';

/** A master in a process of its own. */
export interface Master {
  readonly pid: number;
  start(): Promise<unknown>;
  stop(): Promise<void>;
  kill9(): Promise<void>;
}

/** A namesrv and two masters, `broker-a` and `broker-b`. */
export interface TwoMasters {
  readonly namesrvAddr: string;
  readonly a: Master;
  readonly b: Master;
  stop(): Promise<void>;
}

function configOf(name: string, config: ConfigValues): ConfigValues {
  return { brokerClusterName: 'DefaultCluster', brokerName: `broker-${name}`, ...config };
}

async function together(namesrvAddr: string, a: Master, b: Master, last: () => Promise<void>): Promise<TwoMasters> {
  const stop = async (): Promise<void> => {
    await Promise.all([a.stop(), b.stop()]);
    await last();
  };
  try {
    await a.start();
    await b.start();
    return { namesrvAddr, a, b, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Ours. */
export async function startOurMasters(config: ConfigValues = {}): Promise<TwoMasters> {
  const namesrv = await NamesrvProcess.create();
  await namesrv.start();
  const namesrvAddr = namesrv.address;
  const [a, b] = await Promise.all(
    ['a', 'b'].map((name) => BrokerProcess.create({ namesrvAddr, config: configOf(name, config) })),
  );
  const last = async (): Promise<void> => {
    await Promise.all([a.remove(), b.remove()]);
    await namesrv.remove();
  };
  return together(namesrvAddr, a, b, last);
}

/** The official ones of 5.4.0. */
export async function startOfficialMasters(config: ConfigValues = {}): Promise<TwoMasters> {
  const folder = mkdtempSync(join(tmpdir(), 'rocknest-masters-'));
  const namesrv = await startOfficialNamesrv(folder);
  const broker = (name: string): OfficialBroker =>
    new OfficialBroker(join(folder, name), join(folder, name, 'store'), namesrv.address, configOf(name, config));
  const last = async (): Promise<void> => {
    await namesrv.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return together(namesrv.address, broker('a'), broker('b'), last);
}
