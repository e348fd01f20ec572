/** What may go with a payload. */
export interface RocketMQRecordOptions {
  /** One tag, by which consumers filter. */
  tags?: string;
  /** Keys to find the message by. */
  keys?: string | readonly string[];
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
  /** A number of 32 bits that the bus carries and never looks at. */
  flag?: number;
  /** False: the broker answers without waiting for flush and replication. */
  waitStoreOk?: boolean;
}

/** A payload with tags, keys, properties and delay, for `ClientProxy.emit(topic, record)`. */
export class RocketMQRecord<T = unknown> {
  constructor(
    readonly value: T,
    readonly options: RocketMQRecordOptions = {},
  ) {}
}

/**
 * Builds a `RocketMQRecord`.
 *
 * @example
 * client.emit('orders', new RocketMQRecordBuilder(order).setTags('created').setKeys(order.id).build());
 */
export class RocketMQRecordBuilder<T = unknown> {
  private options: RocketMQRecordOptions = {};

  constructor(private readonly value: T) {}

  setTags(tags: string): this {
    return this.set({ tags });
  }

  setKeys(keys: string | readonly string[]): this {
    return this.set({ keys });
  }

  /** Adds properties to those that are set already. */
  setProperties(properties: Readonly<Record<string, string>>): this {
    return this.set({ properties: { ...this.options.properties, ...properties } });
  }

  setDelayTimeLevel(delayTimeLevel: number): this {
    return this.set({ delayTimeLevel });
  }

  /** Delivery after so many seconds. */
  setDelayTimeSec(delayTimeSec: number): this {
    return this.set({ delayTimeSec });
  }

  /** Delivery after so many ms. */
  setDelayTimeMs(delayTimeMs: number): this {
    return this.set({ delayTimeMs });
  }

  /** Delivery at this time, ms since 1970. */
  setDeliverTimeMs(deliverTimeMs: number): this {
    return this.set({ deliverTimeMs });
  }

  setFlag(flag: number): this {
    return this.set({ flag });
  }

  setWaitStoreOk(waitStoreOk: boolean): this {
    return this.set({ waitStoreOk });
  }

  build(): RocketMQRecord<T> {
    return new RocketMQRecord(this.value, this.options);
  }

  private set(options: RocketMQRecordOptions): this {
    this.options = { ...this.options, ...options };
    return this;
  }
}
