import { startOfficialCluster } from '../../test/interop/support/official-cluster.js';
import { BrokerProcess } from '../../test/support/rocknest-process.js';

/** A broker with its namesrv, just started. */
export interface RunningBroker {
  name: string;
  namesrvAddr: string;
  pid: number;
  stop(): Promise<void>;
}

export async function startOurs(): Promise<RunningBroker> {
  const broker = await BrokerProcess.create();
  await broker.start();
  return { name: 'Rocknest', namesrvAddr: broker.namesrvAddr, pid: broker.pid, stop: () => broker.remove() };
}

export async function startJava(): Promise<RunningBroker> {
  // By default it refuses what waited for 200 ms, which happens while its code is cold; then there would be nothing to compare.
  const cluster = await startOfficialCluster({ brokerConfig: { waitTimeMillsInSendQueue: 10_000 } });
  return {
    name: 'Java broker 5.4.0',
    namesrvAddr: cluster.namesrvAddr,
    pid: cluster.brokerPid,
    stop: () => cluster.stop(),
  };
}
