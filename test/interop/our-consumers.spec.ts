import { afterAll, beforeAll } from 'vitest';
import { describeFailingPops } from '../support/failing-pops.js';
import { describeFlowControl } from '../support/flow-control.js';
import { describeGracefulShutdown } from '../support/graceful-shutdown.js';
import { describeBroadcastFiles } from './support/broadcast-files.js';
import { describeDirectConsumption } from './support/direct-consumption.js';
import { startOfficialCluster, type OfficialCluster } from './support/official-cluster.js';

let cluster: OfficialCluster;

beforeAll(async () => {
  cluster = await startOfficialCluster();
});

afterAll(async () => {
  await cluster?.stop();
});

/** One broker for all that follows: its start costs more than most of it. */
const shared = async () => ({ namesrvAddr: cluster.namesrvAddr, stop: () => Promise.resolve() });

describeFlowControl('flow control on the official broker (item 8; item 3: queues that rest)', shared);
describeGracefulShutdown('messages in flight at a shutdown, on the official broker (item 9)', shared);
describeFailingPops('Nest handlers that fail on popped messages, on the official broker (item 11: POP)', shared);
describeDirectConsumption(
  'a message that an administrator has a Nest handler consume, by the official broker (item 5)',
  shared,
);
describeBroadcastFiles('broadcasting on the official broker, with offset files of both clients (item 6)', shared);
