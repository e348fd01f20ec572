import { startCluster } from '@rocknest/testing';
import { describeFailingConsumers } from '../support/failing-consumers.js';

describeFailingConsumers('Nest handlers that fail, on our broker (items 2 and 3: retry, dead letters, time-outs)', () =>
  startCluster({ broker: { messageDelayLevel: '1s 1s 1s 1s 1s 1s' } }),
);
