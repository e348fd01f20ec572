import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OfficialBroker, startOfficialNamesrv } from '../../test/interop/support/official-broker.js';
import { BrokerProcess, NamesrvProcess } from '../../test/support/rocknest-process.js';

/** A broker under measurement. */
export interface Member {
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts brokers of one kind, all at one namesrv. */
export interface Kind {
  readonly name: string;
  start(config: Record<string, string | number | boolean>): Promise<Member>;
  stop(): Promise<void>;
}

/** A busy machine must not make the Java broker refuse sends. */
const JAVA_ONLY = { waitTimeMillsInSendQueue: 10_000 };

export async function rocknestKind(nodeArgs: readonly string[]): Promise<Kind> {
  const namesrv = await NamesrvProcess.create();
  await namesrv.start();
  return {
    name: 'Rocknest',
    start: async (config) => {
      const broker = await BrokerProcess.create({ namesrvAddr: namesrv.address, nodeArgs, config });
      await broker.start();
      return { address: broker.brokerAddr, pid: broker.pid, stop: () => broker.remove() };
    },
    stop: () => namesrv.remove(),
  };
}

export async function javaKind(): Promise<Kind> {
  const folder = mkdtempSync(join(tmpdir(), 'rocknest-bench-'));
  const namesrv = await startOfficialNamesrv(folder);
  let members = 0;
  return {
    name: 'Java 5.4.0',
    start: async (config) => {
      const own = join(folder, `broker-${members++}`);
      const broker = new OfficialBroker(own, join(own, 'store'), namesrv.address, { ...JAVA_ONLY, ...config });
      await broker.start();
      return { address: broker.address, pid: broker.pid, stop: () => broker.stop() };
    },
    stop: async () => {
      await namesrv.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
