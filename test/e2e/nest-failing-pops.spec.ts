import { startCluster } from '@rocknest/testing';
import { describeFailingPops } from '../support/failing-pops.js';

describeFailingPops('Nest handlers that fail on popped messages, on our broker (item 11: POP)', () => startCluster());
