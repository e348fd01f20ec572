/** The farthest time that a timer message can be set to (RocketMQ: timerMaxDelaySec). */
export const DEFAULT_TIMER_MAX_DELAY_SEC = 3 * 24 * 3_600;

/** A time further away than this (1 year) is taken for a mistake in the setting. */
export const MAX_TIMER_MAX_DELAY_SEC = 365 * 24 * 3_600;

/** Properties may have so many characters less when the broker adds its times to them on delivery. */
export const TIMER_PROPERTIES_LENGTH = 160;

/** Messages wait in steps of at most this part of the time for which the log is kept, so that retention does not meet them. */
export const ROLL_WINDOW_SHARE = 2 / 3;

/** Tag of the message that recalls another (RocketMQ: RECALL_MESSAGE_TAG). */
export const RECALL_TAG = '_RECALL_TAG_';
