import { startRocknestCluster } from '../../support/rocknest-process.js';
import { type OfficialClusterOptions, startOfficialCluster } from './official-cluster.js';

/** A cluster under test, whoever wrote it. */
export interface Target {
  name: string;
  namesrvAddr: string;
  stop(): Promise<void>;
}

/**
 * Rocknest's namesrv and broker, or with `INTEROP_TARGET=official` the official ones: what fails against both is a defect of the test.
 *
 * @param officialConfig what the official broker needs to be told and ours does not
 */
export async function startTarget(officialConfig: OfficialClusterOptions['brokerConfig'] = {}): Promise<Target> {
  if (process.env.INTEROP_TARGET === 'official') {
    const cluster = await startOfficialCluster({ brokerConfig: officialConfig });
    return { name: 'the official cluster', namesrvAddr: cluster.namesrvAddr, stop: cluster.stop };
  }
  const cluster = await startRocknestCluster();
  return { name: 'Rocknest', namesrvAddr: cluster.namesrvAddr, stop: cluster.stop };
}
