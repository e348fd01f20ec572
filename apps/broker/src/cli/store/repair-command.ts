import { defineCommand, flag } from '../command.js';
import { STORE_DIR, storeFlags } from './store-flags.js';

export const repairFlags = {
  ...storeFlags,
  apply: flag.boolean('Do it. Without this flag the plan is printed, and nothing is changed.'),
  keep: flag.text(
    'DIR',
    'Folder for what is taken away; it must be empty or not there. Without it: damaged/<time> in the store folder.',
  ),
  'rebuild-queues': flag.boolean('Make all consume queues again from the log; those of deleted topics come back, too.'),
  'rebuild-index': flag.boolean('Move the index away: the next start makes it again from the log.'),
  'delay-levels': flag.text('LEVELS', 'messageDelayLevel of the broker, when it is not the default: "1s 5s 10s".'),
  json: flag.boolean('Print one JSON document, for programs.'),
};

export const repairCommand = defineCommand({
  name: 'repair',
  summary: 'make a damaged store usable again; says first what it would do',
  description: [
    'Checks the store as verify does, and prints what it would do about each damage. With --apply it does that, and checks again. What it ' +
      'takes away or overwrites is copied or moved first, with a list in report.txt; whole messages are never touched.',
    'Damaged places of the commit log become records that both Rocknest and Apache RocketMQ read over. A message that only its queue entry is ' +
      'left of becomes an empty message at the same queue offset, with the property ROCKNEST_LOST. A file from a backup or a ' +
      'replica is always better: put it back before you repair.',
  ],
  operands: [STORE_DIR],
  flags: repairFlags,
  examples: ['rocknest store repair /data/store', 'rocknest store repair /data/store --apply --keep /backup/damaged'],
  run: async (input, io) => (await import('./run-repair.js')).runRepair(input, io),
});
