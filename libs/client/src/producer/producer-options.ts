import type { ConnectionOptions } from '../core-port.js';
import type { MessageSerializer } from '../serde/message-serializer.js';

/** Options of a `RocketMQProducer`. Times are ms. */
export interface ProducerOptions extends ConnectionOptions {
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
  /** For a send with all its retries. @default 3000 */
  sendMsgTimeoutMs?: number;
  /** Retries of a failed send. @default 2 */
  retryTimesWhenSendFailed?: number;
  /** Retries of a failed `sendAsync`. @default 2 */
  retryTimesWhenSendAsyncFailed?: number;
  /** Bodies of this size and more are compressed. @default 4096 */
  compressMsgBodyOverBytes?: number;
  /** Bytes of a body, or of all bodies of a batch. @default 4194304 */
  maxMessageSizeBytes?: number;
}

/** A producer of `RocketMQModule.forFeature`: what `@InjectProducer(name)` gets. */
export interface ProducerDefinition extends ProducerOptions {
  name: string;
}
