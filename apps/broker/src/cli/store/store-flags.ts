import type { SurveyOptions } from '@rocknest/store';
import type { FlagValues, Operand } from '../command.js';
import { flag } from '../command.js';

export const STORE_DIR: Operand = {
  name: 'DIR',
  description: "folder of the store: the broker's storePathRootDir",
};

/** What every command that opens a store takes. */
export const storeFlags = {
  commitlog: flag.text('DIR', 'Folder of the commit log, where it is not in the store folder (storePathCommitLog).'),
  'segment-size': flag.integer(
    'BYTES',
    'Size of a file of the commit log (mappedFileSizeCommitLog). Without it: what most files have.',
    { min: 1024, max: 2 ** 31 - 1 },
  ),
  'queue-file-entries': flag.integer(
    'N',
    'Entries of a consume queue file (mappedFileSizeConsumeQueue / 20). Without it: what most files have.',
    { min: 1, max: 100_000_000 },
  ),
};

/** For commands that only look. */
export const lookFlags = {
  ...storeFlags,
  'in-use': flag.boolean('Look at a store that a running broker uses; what it writes meanwhile may look unfinished.'),
};

export function surveyOptions(rootPath: string, flags: FlagValues<typeof storeFlags>): SurveyOptions {
  return {
    rootPath,
    commitLogPath: flags.commitlog,
    segmentSizeBytes: flags['segment-size'],
    consumeQueueFileEntries: flags['queue-file-entries'],
  };
}
