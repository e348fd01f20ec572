import { PushConsumer, type MessageExt } from '@rocknest/client-core';
import { HandlingLog } from '../../../support/handling-log.js';
import type { MemberSettings } from './member-settings.js';

/** A member of a group under churn, in a process of its own: handles messages, writes each handling down, leaves at SIGTERM. */
const settings = JSON.parse(process.argv[2]) as MemberSettings;
const log = new HandlingLog(settings.logFile);

/** Every so many messages take a while, some longer than a hand-over that does not wait for them, or fail the first time. */
const SLOW_EVERY = 8;
const SLOW_MS = 5;
const LONG_EVERY = 64;
const LONG_MS = 300;
const FAIL_EVERY = 500;

async function handle(message: MessageExt): Promise<boolean> {
  const { queueId, queueOffset } = message;
  const number = Number(message.body.toString());
  log.begins(queueId, queueOffset, number);
  if (number === settings.hangOn) await new Promise(() => {});
  const tookMs = number % LONG_EVERY === 0 ? LONG_MS : SLOW_MS;
  if (number % SLOW_EVERY === 0) await new Promise((resolve) => setTimeout(resolve, tookMs));
  else await new Promise((resolve) => setImmediate(resolve));
  const ok = !settings.orderly || number % FAIL_EVERY !== 0 || message.reconsumeTimes > 0;
  log.ends(queueId, queueOffset, ok);
  return ok;
}

const consumer = new PushConsumer({
  namesrvAddr: settings.namesrvAddr,
  group: settings.group,
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  rebalanceLockIntervalMs: settings.lockIntervalMs,
  rebalanceLockMaxLiveMs: settings.lockMaxLiveMs,
  ...(settings.shutdownTimeoutMs !== undefined && { shutdownTimeoutMs: settings.shutdownTimeoutMs }),
});
consumer.subscribe(settings.topic);
if (settings.orderly) {
  consumer.registerMessageListenerOrderly(async ([message], context) => {
    context.suspendCurrentQueueTimeMillis = 10;
    return (await handle(message)) ? 'SUCCESS' : 'SUSPEND_CURRENT_QUEUE_A_MOMENT';
  });
} else {
  consumer.registerMessageListener(async ([message]) =>
    (await handle(message)) ? 'CONSUME_SUCCESS' : 'RECONSUME_LATER',
  );
}
process.once('SIGTERM', () => void consumer.shutdown().then(() => process.exit(0)));
await consumer.start();
console.log('joined');
