/** The smallest broker id of a group is another one now, and who is to hear of it. */
export interface MinBrokerIdChange {
  readonly brokerName: string;
  readonly minBrokerId: number;
  readonly minBrokerAddr: string;
  /** Who left; undefined when somebody came. */
  readonly offlineBrokerAddr: string | undefined;
  /** Replication address of who came. */
  readonly haBrokerAddr: string | undefined;
  /** Addresses of the brokers to tell. */
  readonly notify: readonly string[];
}
