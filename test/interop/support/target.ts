import { startRocknestCluster } from '../../support/rocknest-process.js';
import { startOfficialCluster } from './official-cluster.js';

/** A cluster under test, whoever wrote it. */
export interface Target {
  name: string;
  namesrvAddr: string;
  stop(): Promise<void>;
}

/**
 * Rocknest's namesrv and broker, or with `INTEROP_TARGET=official` the official ones: what fails against both is a defect of the test.
 */
export async function startTarget(): Promise<Target> {
  if (process.env.INTEROP_TARGET === 'official') {
    const cluster = await startOfficialCluster();
    return { name: 'the official cluster', namesrvAddr: cluster.namesrvAddr, stop: cluster.stop };
  }
  const cluster = await startRocknestCluster();
  return { name: 'Rocknest', namesrvAddr: cluster.namesrvAddr, stop: cluster.stop };
}
