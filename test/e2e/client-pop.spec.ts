import { startCluster } from '@rocknest/testing';
import { describePopConsumers } from '../support/pop-consumers.js';

describePopConsumers('our client pops from our broker (item 11: POP)', () => startCluster(), 5_000);
