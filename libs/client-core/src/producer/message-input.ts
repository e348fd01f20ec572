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
  /** False: the broker answers without waiting for flush and replication. */
  waitStoreOk?: boolean;
}
