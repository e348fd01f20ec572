import { setting } from '@rocknest/config';
import * as defaults from '../transaction/defaults.js';

const TRANSACTIONS = 'Transactions';

/** Half messages and their checks: RocketMQ's own keys (`common/BrokerConfig.java`). */
export const transactionSettings = {
  rejectTransactionMessage: setting.boolean({
    default: false,
    dynamic: true,
    description: 'Refuse messages of transactions.',
    section: TRANSACTIONS,
  }),
  transactionTimeOut: setting.integer({
    default: defaults.DEFAULT_TRANSACTION_TIMEOUT_MS,
    min: 1,
    dynamic: true,
    unit: 'ms',
    description: 'How old a half message must be before its producer is asked what became of the transaction.',
    section: TRANSACTIONS,
  }),
  transactionCheckInterval: setting.integer({
    default: defaults.DEFAULT_TRANSACTION_CHECK_INTERVAL_MS,
    min: 10,
    max: 2 ** 31 - 1,
    dynamic: true,
    unit: 'ms',
    description: 'How often the broker looks for half messages to ask about. RocketMQ 4.x: 60,000.',
    section: TRANSACTIONS,
  }),
  transactionCheckMax: setting.integer({
    default: defaults.DEFAULT_TRANSACTION_CHECK_MAX,
    min: 1,
    dynamic: true,
    description: 'Asked so many times without an answer, a half message is set aside in TRANS_CHECK_MAX_TIME_TOPIC.',
    section: TRANSACTIONS,
  }),
  transactionOpMsgMaxSize: setting.integer({
    default: defaults.DEFAULT_TRANSACTION_OP_MSG_MAX_SIZE_BYTES,
    min: 1,
    max: 1024 * 1024,
    dynamic: true,
    unit: 'bytes',
    description: 'The marks of ended transactions are written together: once there are so many bytes of them.',
    section: TRANSACTIONS,
  }),
  transactionOpBatchInterval: setting.integer({
    default: defaults.DEFAULT_TRANSACTION_OP_BATCH_INTERVAL_MS,
    min: 0,
    max: 2 ** 31 - 1,
    dynamic: true,
    unit: 'ms',
    description:
      'Or after this time. A crash loses the marks since: rolled back transactions are asked about again, committed ones are found by the index.',
    section: TRANSACTIONS,
  }),
};
