import type { ConnectionOptions, CoreProducerOptions } from '../core-port.js';
import type { MessageSerializer } from '../serde/message-serializer.js';
import type { TransactionOptions } from '../transaction/transaction-database.js';

/** Options of a `RocketMQProducer`: those of client-core's producer (time-outs, retries, limits), and these. */
export interface ProducerOptions extends CoreProducerOptions, ConnectionOptions {
  /** Producer group. @default 'rocknest-producer' */
  group?: string;
  /** Makes bytes of payloads. @default JSON, text and bytes (see `DefaultMessageSerializer`) */
  serializer?: MessageSerializer;
  /**
   * True: the producer connects with the first send, and the application boots without a bus. False: it connects when its module
   * is initialised, and an unreachable bus stops the boot with an error.
   * @default false
   */
  lazy?: boolean;
  /** The database of `inTransaction`. All members of the producer group need it. */
  transactions?: TransactionOptions;
}

/** A producer of `RocketMQModule.forFeature`: what `@InjectProducer(name)` gets. */
export interface ProducerDefinition extends ProducerOptions {
  name: string;
}
