import { setting } from '@rocknest/config';
import * as defaults from '../defaults.js';

const SECTION = 'Limits';

/** When a broker says "not now": RocketMQ's own keys (`common/BrokerConfig.java`, `store/config/MessageStoreConfig.java`) where it has them. */
export const flowControlSettings = {
  sendThreadPoolQueueCapacity: setting.integer({
    default: defaults.DEFAULT_SEND_QUEUE_CAPACITY,
    min: 1,
    max: 10_000_000,
    description:
      'Messages that wait for the disk at most. A send past it is answered SYSTEM_BUSY and not stored: clients pause, or go to another broker.',
    section: SECTION,
  }),
  osPageCacheBusyTimeOutMills: setting.integer({
    default: defaults.DEFAULT_OS_PAGE_CACHE_BUSY_TIMEOUT_MS,
    min: 1,
    unit: 'ms',
    description: 'While a write to the log takes longer than this, sends are answered SYSTEM_BUSY.',
    section: SECTION,
  }),
  maxParkedPulls: setting.integer({
    default: defaults.DEFAULT_MAX_PARKED_PULLS,
    min: 0,
    description: 'Pulls that wait for messages at most; past it a pull that found nothing is answered at once.',
    section: SECTION,
  }),
};
