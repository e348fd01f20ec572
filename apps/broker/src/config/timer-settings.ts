import { setting } from '@rocknest/config';
import { StoreDefaults } from '@rocknest/store';
import * as defaults from '../timer/defaults.js';

const TIMER = 'Timer messages';

/** Messages that are due at a point in time: RocketMQ's own keys (`store/config/MessageStoreConfig.java`, `common/BrokerConfig.java`). */
export const timerSettings = {
  timerWheelEnable: setting.boolean({
    default: true,
    description:
      'Take messages that are due at a point in time. Otherwise they are refused, and those that wait go on waiting.',
    section: TIMER,
  }),
  timerMaxDelaySec: setting.integer({
    default: defaults.DEFAULT_TIMER_MAX_DELAY_SEC,
    min: 1,
    max: defaults.MAX_TIMER_MAX_DELAY_SEC,
    dynamic: true,
    unit: 's',
    description: 'How far ahead such a message can be due.',
    section: TIMER,
  }),
  timerRollWindowSlot: setting.integer({
    default: StoreDefaults.TIMER_ROLL_WINDOW_MS / 1_000,
    min: 2,
    max: 7 * 24 * 3_600 - 60,
    unit: 's',
    description:
      'A message that is due later than this is stored anew then, so that the part of the log where it lies can be deleted. Two thirds of fileReservedTime at most are used.',
    section: TIMER,
  }),
  timerFlushIntervalMs: setting.integer({
    default: StoreDefaults.TIMER_FLUSH_INTERVAL_MS,
    min: 10,
    max: 60_000,
    unit: 'ms',
    description:
      'How often timer log, wheel and checkpoint are brought to stable storage. After a power failure what was delivered since may come again.',
    section: TIMER,
  }),
  timerCongestNumEachSlot: setting.integer({
    default: StoreDefaults.TIMER_CONGEST_NUM_EACH_SLOT,
    min: 1,
    description:
      'Messages due within one second: past it more and more are refused with SYSTEM_ERROR, past twice of it all. RocketMQ: no limit.',
    section: TIMER,
  }),
  mappedFileSizeTimerLog: setting.integer({
    default: StoreDefaults.TIMER_LOG_FILE_BYTES,
    min: 4_096,
    max: 2 ** 31 - 1,
    unit: 'bytes',
    description: 'Size of a file of the timer log. Existing files keep theirs.',
    section: TIMER,
  }),
  recallMessageEnable: setting.boolean({
    default: true,
    dynamic: true,
    description: 'Let producers recall timer messages that are not due yet. RocketMQ: off by default.',
    section: TIMER,
  }),
};
