import { startCluster } from '@rocknest/testing';
import { describeGracefulShutdown } from '../support/graceful-shutdown.js';

describeGracefulShutdown('messages in flight at a shutdown, on our broker (item 9)', () => startCluster());
