/** Who a broker says it is. */
export interface BrokerIdentity {
  readonly clusterName: string;
  readonly brokerName: string;
  /** `ip:port` that clients connect to. */
  readonly brokerAddr: string;
  /** 0 = master. */
  readonly brokerId: number;
}

/** Key of the tables of addresses: RocketMQ's BrokerAddrInfo. Names have no line breaks. */
export function addressKey(clusterName: string, brokerAddr: string): string {
  return `${clusterName}\n${brokerAddr}`;
}
