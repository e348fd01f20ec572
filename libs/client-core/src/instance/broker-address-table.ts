import { MASTER_ID, type BrokerData } from '@rocknest/protocol';

export interface FoundBroker {
  address: string;
  brokerId: number;
  /** True when it is not the master. */
  slave: boolean;
}

/** Broker name -> id -> `host:port`, as the routes in use say (RocketMQ: `MQClientInstance.brokerAddrTable`). */
export class BrokerAddressTable {
  private readonly table = new Map<string, ReadonlyMap<number, string>>();
  /** Addresses that a later route did not name any more: a master that another one has taken the place of. */
  private readonly replaced = new Set<string>();

  /** Takes over what a route says of its brokers. */
  update(brokers: readonly BrokerData[]): void {
    for (const { brokerName, brokerAddrs } of brokers) {
      if (brokerAddrs.size === 0) continue;
      const before = this.table.get(brokerName);
      if (before !== undefined) for (const address of before.values()) this.replaced.add(address);
      for (const address of brokerAddrs.values()) this.replaced.delete(address);
      this.table.set(brokerName, brokerAddrs);
    }
  }

  /** Address of the master, the only one that takes sends. */
  master(brokerName: string): string | undefined {
    return this.table.get(brokerName)?.get(MASTER_ID);
  }

  /**
   * Where to read from (`findBrokerAddressInSubscribe`): the broker of that id, a slave's neighbour when it has gone, or else, unless
   * `onlyThisBroker`, any broker of the name.
   */
  find(brokerName: string, brokerId: number = MASTER_ID, onlyThisBroker = false): FoundBroker | undefined {
    const addresses = this.table.get(brokerName);
    if (!addresses) return undefined;
    const candidates = brokerId === MASTER_ID ? [MASTER_ID] : [brokerId, brokerId + 1];
    for (const id of candidates) {
      const address = addresses.get(id);
      if (address !== undefined) return { address, brokerId: id, slave: id !== MASTER_ID };
    }
    if (onlyThisBroker) return undefined;
    for (const [id, address] of addresses) return { address, brokerId: id, slave: id !== MASTER_ID };
    return undefined;
  }

  /** The brokers of a name, whatever their role. */
  membersOf(brokerName: string): FoundBroker[] {
    const members: FoundBroker[] = [];
    for (const [brokerId, address] of this.table.get(brokerName) ?? [])
      members.push({ address, brokerId, slave: brokerId !== MASTER_ID });
    return members;
  }

  /** Every address that is known: [name, id, address]. */
  *all(): IterableIterator<[brokerName: string, brokerId: number, address: string]> {
    for (const [name, addresses] of this.table) for (const [id, address] of addresses) yield [name, id, address];
  }

  /** Forgets every address that `isKnown` denies. Returns what was forgotten since the last call, here or by {@link update}. */
  retain(isKnown: (address: string) => boolean): string[] {
    const gone = [...this.replaced].filter((address) => !isKnown(address));
    this.replaced.clear();
    for (const [name, addresses] of this.table) {
      const left = new Map([...addresses].filter(([, address]) => isKnown(address)));
      if (left.size === addresses.size) continue;
      for (const address of addresses.values()) if (!isKnown(address)) gone.push(address);
      if (left.size === 0) this.table.delete(name);
      else this.table.set(name, left);
    }
    return gone;
  }
}
