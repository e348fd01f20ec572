import { describeFailingConsumers } from '../support/failing-consumers.js';
import { startOfficialCluster } from './support/official-cluster.js';

describeFailingConsumers(
  'Nest handlers that fail, on the official broker (items 2 and 3: retry, dead letters, time-outs)',
  () => startOfficialCluster({ brokerConfig: { messageDelayLevel: '1s 1s 1s 1s 1s 1s' } }),
);
