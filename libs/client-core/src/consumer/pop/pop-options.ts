import { PopInitMode, type ConsumeFromWhere } from '@rocknest/protocol';
import * as defaults from '../../defaults.js';
import { integerOption, invalidArgument } from '../../support/check.js';

/** Options of a push consumer in `mode: 'pop'` (`client/consumer/DefaultMQPushConsumer.java`). */
export interface PopOptions {
  /** ms for which a popped message is this member's alone, before the broker gives it to another: 60,000, from 5,000 to 300,000. */
  invisibleTimeMs?: number;
  /** Messages asked for in one pop, 1 to 32: 32. */
  popBatchNums?: number;
  /** Messages held for one assignment (all queues of a broker as a rule) before its pops pause: 96. */
  popThresholdForQueue?: number;
  /**
   * ms after its pop for which a message is kept from other members by renewing its invisible time, while its handler runs or it waits for one:
   * 900,000. 0 renews nothing, as the Java client: a handler must end within `invisibleTimeMs` then.
   */
  renewInvisibleTimeForMs?: number;
  /** Members whose queues each member pops beside its own. Up to 0 every member pops every queue: -1. */
  popShareQueueNum?: number;
  /**
   * When brokers let the group pull a topic, tell them at the start to let it pop: true. With false the consumer does what the brokers were told
   * by an administrator (`MQAdmin.setMessageRequestMode`, `mqadmin setConsumeMode`).
   */
  setMessageRequestMode?: boolean;
}

/** Checked and complete. */
export interface ResolvedPopOptions {
  invisibleTimeMs: number;
  batchNums: number;
  threshold: number;
  renewForMs: number;
  shareQueueNum: number;
  setRequestMode: boolean;
  initMode: number;
}

/** Names of the options that mean nothing without `mode: 'pop'`. */
const NAMES = [
  'invisibleTimeMs',
  'popBatchNums',
  'popThresholdForQueue',
  'renewInvisibleTimeForMs',
  'popShareQueueNum',
  'setMessageRequestMode',
] as const satisfies readonly (keyof PopOptions)[];

/** Strategies that brokers know (`QueryAssignmentProcessor`). */
const BROKER_STRATEGIES: readonly string[] = ['AVG', 'AVG_BY_CIRCLE'];

/**
 * @returns undefined with `mode: 'pull'`.
 * @throws MQClientError INVALID_ARGUMENT.
 */
export function resolvePopOptions(
  options: PopOptions & { mode?: 'pull' | 'pop' },
  consumeFromWhere: ConsumeFromWhere,
  strategyName: string,
): ResolvedPopOptions | undefined {
  const mode = options.mode ?? 'pull';
  if (mode === 'pull') {
    const given = NAMES.find((name) => options[name] !== undefined);
    if (given !== undefined) throw invalidArgument(`option ${given} is for consumers with mode: 'pop'`);
    return undefined;
  }
  if (mode !== 'pop') throw invalidArgument(`option mode is "${String(mode)}", must be "pull" or "pop"`);
  if (consumeFromWhere === 'CONSUME_FROM_TIMESTAMP') {
    throw invalidArgument(
      "with mode: 'pop' the broker decides where a new group begins, and knows no times; use CONSUME_FROM_FIRST_OFFSET or CONSUME_FROM_LAST_OFFSET, " +
        'and MQAdmin.resetOffsetByTimestamp to move the group to a time',
    );
  }
  if (!BROKER_STRATEGIES.includes(strategyName)) {
    throw invalidArgument(
      `with mode: 'pop' brokers share the queues out, and know ${BROKER_STRATEGIES.join(' and ')} only, not ${strategyName}`,
    );
  }
  return {
    invisibleTimeMs: integerOption(
      'invisibleTimeMs',
      options.invisibleTimeMs,
      defaults.POP_INVISIBLE_TIME_MS,
      defaults.MIN_POP_INVISIBLE_TIME_MS,
      defaults.MAX_POP_INVISIBLE_TIME_MS,
    ),
    batchNums: integerOption('popBatchNums', options.popBatchNums, defaults.POP_BATCH_NUMS, 1, 32),
    threshold: integerOption(
      'popThresholdForQueue',
      options.popThresholdForQueue,
      defaults.POP_THRESHOLD_FOR_QUEUE,
      1,
      65_535,
    ),
    renewForMs: integerOption('renewInvisibleTimeForMs', options.renewInvisibleTimeForMs, defaults.POP_RENEW_FOR_MS, 0),
    shareQueueNum: integerOption(
      'popShareQueueNum',
      options.popShareQueueNum,
      defaults.POP_SHARE_QUEUE_NUM,
      -1,
      65_535,
    ),
    setRequestMode: options.setMessageRequestMode ?? true,
    initMode: consumeFromWhere === 'CONSUME_FROM_FIRST_OFFSET' ? PopInitMode.MIN : PopInitMode.MAX,
  };
}
