import { type MessageStore, TimerMessageStore } from '@rocknest/store';
import type { BrokerConfig } from '../config/broker-settings.js';
import type { BrokerLogger } from '../logger.js';
import type { TopicConfigManager } from '../metadata/index.js';
import { isSlave } from '../replication/broker-role.js';
import type { CounterRegistry } from '../stats/counter-registry.js';
import { ROLL_WINDOW_SHARE } from './defaults.js';
import { MessageRecaller } from './message-recaller.js';
import { TimerRules } from './timer-rules.js';

const HOUR_MS = 3_600_000;

export interface TimerNeeds {
  readonly config: BrokerConfig;
  readonly store: MessageStore;
  readonly topics: TopicConfigManager;
  readonly counters: CounterRegistry;
  readonly logger: BrokerLogger;
}

export interface TimerParts {
  readonly messages: TimerMessageStore;
  readonly rules: TimerRules;
  readonly recaller: MessageRecaller;
}

/** Timer messages, put together. */
export function buildTimer({ config, store, topics, counters, logger }: TimerNeeds): TimerParts {
  const reservedMs = config.fileReservedTime * HOUR_MS;
  const messages = new TimerMessageStore(store, {
    rootPath: config.storePathRootDir,
    logger,
    logFileSizeBytes: config.mappedFileSizeTimerLog,
    flushIntervalMs: config.timerFlushIntervalMs,
    rollWindowMs: Math.max(
      1_000,
      Math.min(config.timerRollWindowSlot * 1_000, Math.floor(reservedMs * ROLL_WINDOW_SHARE)),
    ),
    maxMessagesPerSlot: config.timerCongestNumEachSlot,
  });
  const now = (): number => Date.now();
  const maxDelaySec = (): number => config.timerMaxDelaySec;
  const rules = new TimerRules({
    enabled: config.timerWheelEnable,
    brokerName: config.brokerName,
    maxDelaySec,
    maxMessagesPerSlot: config.timerCongestNumEachSlot,
    isCongested: (deliverMs) => messages.isCongested(deliverMs),
    now,
  });
  const recaller = new MessageRecaller(store, topics, {
    brokerName: config.brokerName,
    isSlave: isSlave(config),
    enabled: () => config.recallMessageEnable && config.timerWheelEnable,
    maxDelaySec,
    brokerPermission: () => config.brokerPermission,
    now,
  });
  addFigures(counters, messages);
  return { messages, rules, recaller };
}

/** The first three under the names that RocketMQ's tools print. */
function addFigures(counters: CounterRegistry, messages: TimerMessageStore): void {
  counters.gauge('timerReadBehind', 'Seconds by which the delivery of timer messages is late.', () =>
    Math.floor(messages.stats().dequeueBehindMs / 1_000),
  );
  counters.gauge(
    'timerOffsetBehind',
    'Timer messages that are stored and not in the wheel yet.',
    () => messages.stats().enqueueBehindMessages,
  );
  counters.gauge('timerCongestNum', 'Timer messages that wait.', () => messages.stats().waitingMessages);
  counters.gauge(
    'timerDequeuedMessages',
    'Timer messages delivered or stored anew since the start.',
    () => messages.stats().dequeuedMessages,
  );
  counters.gauge(
    'timerRecalledMessages',
    'Timer messages that were not delivered because they were recalled.',
    () => messages.stats().recalledMessages,
  );
  counters.gauge(
    'timerDroppedMessages',
    'Timer messages that could not be delivered.',
    () => messages.stats().droppedMessages,
  );
  counters.gauge(
    'timerRebuilds',
    'How often log and wheel of the timer had to be made again while it ran.',
    () => messages.stats().rebuilds,
  );
  counters.gauge('timerMemoryBytes', 'Memory of wheel and due messages.', () => messages.stats().memoryBytes);
}
