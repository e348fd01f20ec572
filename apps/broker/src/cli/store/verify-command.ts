import { defineCommand, flag } from '../command.js';
import { lookFlags, STORE_DIR } from './store-flags.js';

export const verifyFlags = {
  ...lookFlags,
  'delay-levels': flag.text('LEVELS', 'messageDelayLevel of the broker, when it is not the default: "1s 5s 10s".'),
  'max-findings': flag.integer('N', 'Findings listed at most; the others are counted. Without it 1000.', {
    min: 1,
    max: 1_000_000,
  }),
  topics: flag.boolean('List every queue with its offsets.'),
  json: flag.boolean('Print one JSON document, for programs.'),
};

export const verifyCommand = defineCommand({
  name: 'verify',
  summary: 'check every message, queue entry and cross-reference of a store',
  description: [
    'Reads the whole store and changes nothing. Every record of the commit log is checked (size, magic code, check sum, its own offset), ' +
      'every entry of the consume queues is compared with its record and every record with its entry, the checkpoint with both.',
    'A store that was not closed properly is checked as it lies there: what the next start of the broker puts right is a notice, not damage.',
  ],
  operands: [STORE_DIR],
  flags: verifyFlags,
  examples: ['rocknest store verify ~/rocknest/store', 'rocknest store verify /data/store --json > report.json'],
  run: async (input, io) => (await import('./run-verify.js')).runVerify(input, io),
});
