/** `connected` while at least one broker is. */
export type RocketMQStatus = 'connected' | 'disconnected';

/** Makes one status of the connections to several brokers, which client-core tells for each member of a connection. */
export class BrokerLinks {
  private readonly addresses = new Set<string>();

  constructor(private readonly report: (status: RocketMQStatus) => void) {}

  readonly onStatus = (status: RocketMQStatus, address: string): void => {
    const before = this.addresses.size;
    if (status === 'connected') this.addresses.add(address);
    else this.addresses.delete(address);
    const after = this.addresses.size;
    if (before === 0 && after > 0) this.report('connected');
    if (before > 0 && after === 0) this.report('disconnected');
  };
}
