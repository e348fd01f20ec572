import { startCluster } from '@rocknest/testing';
import { describeNestInNamespace } from '../support/nest-in-namespace.js';

describeNestInNamespace('a Nest application with a namespace, on our broker', () =>
  startCluster({ broker: { messageDelayLevel: '1s 1s 1s 1s 1s 1s' } }),
);
