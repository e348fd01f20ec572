import type { MessageStore, RecoveryReport } from '@rocknest/store';
import type { BrokerConfig } from '../config/broker-settings.js';
import type { Metadata } from '../metadata/index.js';
import type { BrokerReplication } from '../replication/broker-replication.js';
import type { MasterTerm } from './master-term.js';

/** What a broker is to be in a group with a lease, from one start to the next stop. */
export interface MemberRole {
  /** brokerId of the member; a master serves under 0. */
  readonly memberId: number;
  /** Undefined: a slave. */
  readonly term: MasterTerm | undefined;
  /** Where the log has to end before the role is taken on. */
  readonly cutAtOffset: number | undefined;
  /** The store was opened. */
  recovered(report: RecoveryReport): void;
  /** Makes the replication for the role, before anything is written or read. */
  openReplication(store: MessageStore, metadata: Metadata, config: BrokerConfig): Promise<BrokerReplication>;
}
