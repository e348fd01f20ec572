import { startCluster } from '@rocknest/testing';
import { describeFlowControl } from '../support/flow-control.js';

describeFlowControl('flow control on our broker (item 8)', () => startCluster());
