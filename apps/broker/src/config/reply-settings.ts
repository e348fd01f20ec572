import { setting } from '@rocknest/config';

/** Replies to requests: RocketMQ's own key (`common/BrokerConfig.java`). */
export const replySettings = {
  storeReplyMessageEnable: setting.boolean({
    default: true,
    dynamic: true,
    description: 'Store replies in `<cluster>_REPLY_TOPIC` too, besides pushing them to the client that asked.',
    section: 'Requests and replies',
  }),
};
