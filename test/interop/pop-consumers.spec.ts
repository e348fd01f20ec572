import { describePopConsumers } from '../support/pop-consumers.js';
import { startOfficialCluster } from './support/official-cluster.js';

describePopConsumers('our client pops from the official broker (item 11: POP)', () => startOfficialCluster(), 5_000);
