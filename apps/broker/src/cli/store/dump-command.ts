import { defineCommand, flag } from '../command.js';
import { lookFlags, STORE_DIR } from './store-flags.js';

export const BODY_FORMATS = ['none', 'text', 'hex', 'base64'] as const;

export const dumpFlags = {
  ...lookFlags,
  topic: flag.text('TOPIC', 'Only messages of this topic, as it is stored (%RETRY%group, SCHEDULE_TOPIC_XXXX, ...).'),
  queue: flag.integer('ID', 'Only messages of this queue.', { max: 0x7fff_ffff }),
  'from-offset': flag.integer('N', 'Only queue offsets from N on.'),
  'to-offset': flag.integer('N', 'Only queue offsets up to N.'),
  key: flag.text('KEY', 'Only messages with this key, or with this unique key (message id of the client).'),
  'physical-offset': flag.integer('N', 'Begin at the record that begins at this offset of the log.'),
  limit: flag.integer('N', 'Print at most so many.', { min: 1 }),
  body: flag.choice(BODY_FORMATS, 'none', 'How bodies are printed.'),
  'consume-queue': flag.text('TOPIC/QUEUE', 'Print the entries of a consume queue instead of messages.'),
  timers: flag.boolean('Print the timer messages that wait; --topic and --queue name where they will go.'),
  delivered: flag.boolean('With --timers: print those that were delivered, too, and recalls.'),
  checkpoint: flag.boolean('Print the checkpoint instead of messages.'),
  json: flag.boolean('Print one JSON object a line.'),
};

export const dumpCommand = defineCommand({
  name: 'dump',
  summary: 'print messages, timer messages, consume queue entries or the checkpoint',
  description: [
    'Prints what the store holds, in the order of the log, and changes nothing. Flags that choose messages can be combined. Bytes that are ' +
      'no message are printed as one line, and what follows behind them goes on.',
    'Timer messages are printed in the order in which they came, each with the time when it is due and its state: waiting, cancelled (recalled), undeliverable (nothing ' +
      'says when or where), or lost (the commit log does not have it). The store may be one of Apache RocketMQ.',
    'Compressed bodies are unpacked first. Control characters of a body that is printed as text are replaced.',
  ],
  operands: [STORE_DIR],
  flags: dumpFlags,
  examples: [
    'rocknest store dump ~/rocknest/store --limit 10 --body text',
    'rocknest store dump /data/store --topic orders --queue 3 --from-offset 1000 --to-offset 1010 --json',
    'rocknest store dump /data/store --key order-4711',
    'rocknest store dump /data/store --consume-queue orders/3 --limit 20',
    'rocknest store dump /data/store --timers --topic orders',
  ],
  run: async (input, io) => (await import('./run-dump.js')).runDump(input, io),
});
