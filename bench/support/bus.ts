import { fileURLToPath } from 'node:url';
import { startOfficialCluster } from '../../test/interop/support/official-cluster.js';
import buildApps from '../../test/support/build-apps.js';
import { RawConnection } from '../../test/support/raw-remoting.js';
import { createTopic } from '../../test/support/raw-requests.js';
import { BrokerProcess } from '../../test/support/rocknest-process.js';
import { BenchProcess } from './bench-process.js';

/** A namesrv and a broker in processes of their own. */
export interface Bus {
  namesrvAddr: string;
  brokerAddr: string;
  brokerPid: number;
  stop(): Promise<void>;
}

export interface BusOptions {
  /** `rocknest`, `java` (the official broker), or `stand-in`, which stores nothing. */
  broker: string;
  /** `flushDiskType` of our broker. */
  flush: string;
  /** Arguments for its node. */
  nodeArgs: readonly string[];
  /** Bytes of a body, and messages in a queue, of the stand-in. */
  standIn?: { bodyBytes: number; messagesPerQueue: number };
}

const STAND_IN = new URL('stand-in.js', import.meta.url);

async function startStandIn(options: BusOptions): Promise<Bus> {
  const child = new BenchProcess('stand-in broker', fileURLToPath(STAND_IN), options.nodeArgs);
  const address = await child.call<string>('start', options.standIn ?? { bodyBytes: 1024, messagesPerQueue: 0 });
  return { namesrvAddr: address, brokerAddr: address, brokerPid: child.pid, stop: () => child.stop() };
}

export async function startBus(options: BusOptions): Promise<Bus> {
  if (options.broker === 'stand-in') return startStandIn(options);
  if (options.broker === 'java') {
    const { namesrvAddr, brokerAddr, brokerPid, stop } = await startOfficialCluster();
    return { namesrvAddr, brokerAddr, brokerPid, stop };
  }
  buildApps();
  const broker = await BrokerProcess.create({
    nodeArgs: options.nodeArgs,
    config: { flushDiskType: options.flush },
  });
  await broker.start();
  const { namesrvAddr, brokerAddr, pid } = broker;
  return { namesrvAddr, brokerAddr, brokerPid: pid, stop: () => broker.remove() };
}

/** Makes a topic on the broker; the stand-in has every topic. */
export async function makeTopic(bus: Bus, topic: string, queues: number): Promise<void> {
  if (bus.namesrvAddr === bus.brokerAddr) return;
  const connection = await RawConnection.open(bus.brokerAddr);
  await createTopic(connection, topic, queues);
  connection.close();
}
