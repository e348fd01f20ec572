import type { ConsumerGroupOptions } from '../consumer/consumer-options.js';
import type { ConnectionOptions } from '../core-port.js';
import type { RetryPolicy } from '../exceptions/retry-policy.js';
import type { BodyFormat } from '../serde/body-format.js';
import type { MessageDeserializer } from '../serde/message-deserializer.js';
import type { MessageSerializer } from '../serde/message-serializer.js';

/** Options of `RocketMQServer`. */
export interface RocketMQServerOptions extends ConnectionOptions {
  /**
   * `host:port;host:port`.
   * @default that of `RocketMQModule.forRoot`, else `NAMESRV_ADDR` of the environment, else `127.0.0.1:9876`
   */
  namesrvAddr?: string;
  /** Consumer group of handlers that name none. */
  group?: string;
  /** `concurrency` of handlers that name none. @default 20 */
  concurrency?: number;
  /** Group options for all groups, below what handlers say. */
  consumer?: ConsumerGroupOptions;
  /** What becomes of messages whose handling failed, for handlers that don't say it; goes before that of `RocketMQModule.forRoot`. */
  retry?: RetryPolicy;
  /** How bodies become payloads, for handlers that don't say it. @default 'auto' */
  deserializer?: BodyFormat | MessageDeserializer;
  /** Makes bytes of what `@MessagePattern` handlers return to requests. @default JSON, text and bytes */
  serializer?: MessageSerializer;
  /** ms that a close waits for running handlers. @default 25000 */
  drainTimeoutMs?: number;
  /** Signals at which the intake stops at once; `[]` for none. @default ['SIGTERM', 'SIGINT'] */
  shutdownSignals?: readonly NodeJS.Signals[];
  /** Tells the servers of several clusters in one application apart; handlers name it as their transport. @default ROCKETMQ_TRANSPORT */
  transportId?: symbol;
}
