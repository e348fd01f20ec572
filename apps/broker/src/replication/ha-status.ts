import type { HARuntimeInfo } from '@rocknest/protocol';

/** How replication stands, for tools. */
export class HaStatus {
  constructor(readonly read: () => HARuntimeInfo) {}
}
