import { openSync, writeSync } from 'node:fs';
import { ConsumeResult, PushConsumer } from '@rocknest/client-core';

/** What a member process is started with, as JSON. */
export interface PopMemberSettings {
  namesrvAddr: string;
  topic: string;
  group: string;
  invisibleTimeMs: number;
  /** Gets a line for each handled message. */
  logFile: string;
}

/** Every so many messages take a while. */
const SLOW_EVERY = 10;
const SLOW_MS = 20;

/** A member of a popping group in a process of its own: writes down what it has handled, leaves at SIGTERM. */
const settings = JSON.parse(process.argv[2]) as PopMemberSettings;
// Written at once: what stands in the log was handled, also when the process is killed right after it.
const log = openSync(settings.logFile, 'a');
const consumer = new PushConsumer({
  namesrvAddr: settings.namesrvAddr,
  group: settings.group,
  mode: 'pop',
  invisibleTimeMs: settings.invisibleTimeMs,
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
});
consumer.subscribe(settings.topic);
consumer.registerMessageListener(async ([message]) => {
  const number = Number(message.body.toString());
  if (number % SLOW_EVERY === 0) await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
  writeSync(log, `${number}\n`);
  return ConsumeResult.CONSUME_SUCCESS;
});
process.once('SIGTERM', () => void consumer.shutdown().then(() => process.exit(0)));
await consumer.start();
console.log('joined');
