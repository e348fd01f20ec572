/** A message as a user gives it to a producer (RocketMQ: `common/message/Message.java`). */
export interface MessageInput {
  topic: string;
  /** At least one byte. A string is sent as UTF-8. */
  body: Buffer | Uint8Array | string;
  /** One tag, by which consumers filter. */
  tags?: string;
  /** Keys to find the message by; must not contain blanks when given as an array. */
  keys?: string | readonly string[];
  /** A number of 32 bits that the bus carries and never looks at. */
  flag?: number;
  /** User properties: names and values not empty, not reserved. */
  properties?: Readonly<Record<string, string>>;
  /** 1 to 18: delivery after 1 s, 5 s, 10 s, 30 s, 1 min, ... (the broker's table). */
  delayTimeLevel?: number;
  /** Delivery after so many seconds; brokers take 3 days at most (`timerMaxDelaySec`). One of the four at most may be given. */
  delayTimeSec?: number;
  /** Delivery after so many ms. */
  delayTimeMs?: number;
  /** Delivery at this time, ms since 1970; a time that is past means at once. */
  deliverTimeMs?: number;
  /** False: the broker answers without waiting for flush and replication. */
  waitStoreOk?: boolean;
}
