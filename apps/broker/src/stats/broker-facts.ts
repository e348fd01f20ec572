/** What the answers to admin requests say of the broker itself. */
export class BrokerFacts {
  constructor(
    readonly brokerName: string,
    /** When the process started to serve, milliseconds since 1970. */
    readonly bootTimestamp: number,
    readonly delayLevels: number,
  ) {}
}
