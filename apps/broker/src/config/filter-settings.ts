import { setting } from '@rocknest/config';

const CONSUMERS = 'Consumers';

/** Filters of properties: RocketMQ's own keys (`common/BrokerConfig.java`). */
export const filterSettings = {
  enablePropertyFilter: setting.boolean({
    default: true,
    dynamic: true,
    description:
      'Let consumers filter by SQL92 expressions over message properties. RocketMQ has it off; here what it costs is bounded, see docs/patterns/filters.md.',
    section: CONSUMERS,
  }),
  filterSupportRetry: setting.boolean({
    default: false,
    dynamic: true,
    description:
      'A retry topic that is pulled with an SQL92 filter: test each message against what its group subscribes of the topic that it came from.',
    section: CONSUMERS,
  }),
};
