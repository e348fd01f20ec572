export { DEFAULT_MESSAGE_DELAY_LEVEL } from './defaults.js';
export { parseDelayLevels } from './delay-level-table.js';
export { ScheduleMessageService } from './schedule-message.service.js';
export { delayedMessageReader, delayedMessageSink } from './store-adapter.js';
