import { setting } from '@rocknest/config';
import * as defaults from '../pop/defaults.js';

const POP = 'POP consumption';

/** Settings of POP consumption, under RocketMQ's keys (`common/BrokerConfig.java`); maxPopInvisibleTime is ours. */
export const popSettings = {
  reviveQueueNum: setting.integer({
    default: defaults.DEFAULT_REVIVE_QUEUE_NUM,
    min: 1,
    max: 128,
    description:
      'Queues of the topic that holds check points and acknowledgements of popped messages. Lowered, the check points of the queues taken away are not read any more.',
    section: POP,
  }),
  popPollingSize: setting.integer({
    default: defaults.DEFAULT_POP_POLLING_SIZE,
    min: 0,
    description: 'Pops of one group that wait for one queue (or for any queue of a topic) at most.',
    section: POP,
  }),
  popPollingMapSize: setting.integer({
    default: defaults.DEFAULT_POP_POLLING_MAP_SIZE,
    min: 0,
    description: 'Groups and queues for which pops wait at most.',
    section: POP,
  }),
  maxPopPollingSize: setting.integer({
    default: defaults.DEFAULT_MAX_POP_POLLING_SIZE,
    min: 0,
    description:
      'Pops that wait at most. Past it, and past the two limits above, a pop that finds nothing is answered POLLING_FULL.',
    section: POP,
  }),
  popFromRetryProbability: setting.integer({
    default: defaults.DEFAULT_POP_FROM_RETRY_PROBABILITY,
    min: 0,
    max: 100,
    unit: '%',
    description: 'Of the pops so many look into the retry topic before the topic; the others after it.',
    section: POP,
  }),
  enableRetryTopicV2: setting.boolean({
    default: false,
    description: 'Popped messages that come again go to %RETRY%group+topic instead of %RETRY%group_topic.',
    section: POP,
  }),
  retrieveMessageFromPopRetryTopicV1: setting.boolean({
    default: true,
    description: 'With enableRetryTopicV2: messages that are in %RETRY%group_topic are popped too.',
    section: POP,
  }),
  popResponseReturnActualRetryTopic: setting.boolean({
    default: false,
    description:
      'Messages popped from a retry topic come under the name of that topic instead of the one that was popped.',
    section: POP,
  }),
  initPopOffsetByCheckMsgInMem: setting.boolean({
    default: true,
    description:
      'A new group that asks to begin at the end of a queue begins at 0 while the first message of the queue is among recent data.',
    section: POP,
  }),
  popCkStayBufferTime: setting.integer({
    default: defaults.DEFAULT_POP_CK_STAY_BUFFER_TIME_MS,
    min: 0,
    unit: 'ms',
    description:
      'How long popped messages are kept track of in memory only. What is not acknowledged then is written to the revive topic. A crash lets pop again what was popped since.',
    section: POP,
  }),
  popCkMaxBufferSize: setting.integer({
    default: defaults.DEFAULT_POP_CK_MAX_BUFFER_SIZE,
    min: 1_000,
    max: 16_000_000,
    description:
      'Pops with messages that are not acknowledged at most, some 60 bytes each. Past it pops are answered POLLING_FULL.',
    section: POP,
  }),
  enablePopMessageThreshold: setting.boolean({
    default: false,
    description:
      'A queue gives a group nothing more while more than popInflightMessageThreshold of its messages are not acknowledged.',
    section: POP,
  }),
  popInflightMessageThreshold: setting.integer({
    default: defaults.DEFAULT_POP_INFLIGHT_MESSAGE_THRESHOLD,
    min: 1,
    description: 'See enablePopMessageThreshold.',
    section: POP,
  }),
  maxPopInvisibleTime: setting.integer({
    default: defaults.DEFAULT_MAX_POP_INVISIBLE_TIME_MS,
    min: 1_000,
    max: 30 * 86_400_000,
    unit: 'ms',
    description:
      'A pop or renewal that asks for a longer invisible time is refused. Must stay below the time for which the log is kept.',
    section: POP,
  }),
  defaultMessageRequestMode: setting.oneOf(['PULL', 'POP'], {
    default: 'PULL',
    description:
      'How clients that leave it to the broker consume topics for which no mode was set. Retry topics: always PULL.',
    section: POP,
  }),
  defaultPopShareQueueNum: setting.integer({
    default: defaults.DEFAULT_POP_SHARE_QUEUE_NUM,
    min: -1,
    description:
      'With POP as default: a client also gets the queues of so many clients behind it; up to 0: all queues.',
    section: POP,
  }),
  serverLoadBalancerEnable: setting.boolean({
    default: true,
    description: 'Share queues out for clients that leave it to the broker; otherwise each of them is told all queues.',
    section: POP,
  }),
} as const;
