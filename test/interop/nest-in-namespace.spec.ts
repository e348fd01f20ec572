import { describeNestInNamespace } from '../support/nest-in-namespace.js';
import { startOfficialCluster } from './support/official-cluster.js';

describeNestInNamespace('a Nest application with a namespace, on the official broker (item 1: sending)', () =>
  startOfficialCluster({ brokerConfig: { messageDelayLevel: '1s 1s 1s 1s 1s 1s' } }),
);
