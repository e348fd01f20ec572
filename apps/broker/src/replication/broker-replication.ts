import type { HARuntimeInfo, RegisterBrokerResponse } from '@rocknest/protocol';
import type { RemotingClient } from '@rocknest/remoting';
import type { BrokerServices } from '../broker-services.js';
import type { Metadata } from '../metadata/index.js';

/** What a broker needs of its replication, however its role came about. */
export interface BrokerReplication {
  readonly isSlave: boolean;
  /** Slaves are connected that can be read from. */
  readonly hasSlaves: boolean;
  /** False while consumers must not read here: what this slave has may still be cut. */
  readonly isReadable: boolean;
  /** How it stands, for tools. */
  status(): HARuntimeInfo;
  /** Opens the port for slaves. @returns the port; undefined when it is not open. @throws BrokerStartError BROKER_HA_PORT */
  listen(host: string, listenPort: number): Promise<number | undefined>;
  /** Prepares what master and slave say to each other. */
  connect(client: RemotingClient, metadata: Metadata, services: BrokerServices): void;
  /** A namesrv answered: it tells slaves where their master is. */
  registered(response: RegisterBrokerResponse): void;
  /** Lets a slave follow its master. @param lookUp registers again, because the master was not there. */
  startSlave(lookUp: () => Promise<void>): void;
  /** A master that is about to stop lets its slaves take the metadata over once more, within `timeoutMs`. The first call counts. */
  handOverMetadata(timeoutMs: number): Promise<void>;
  /** A slave follows its master no more. */
  stopSlave(): Promise<void>;
  /** Ends replication. */
  stop(): Promise<void>;
}
