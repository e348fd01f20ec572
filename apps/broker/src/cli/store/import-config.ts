import { CannotRunError } from '../cli-errors.js';
import { defineCommand } from '../command.js';
import { ExitCode } from '../exit-codes.js';
import { configToolFlags, toolOptions } from './config-tool-options.js';

/** `rocknest store import-config DIR` */
export const importConfigCommand = defineCommand({
  name: 'import-config',
  summary: 'take topics, groups and offsets of an Apache RocketMQ broker into the database',
  description: [
    'Reads config/topics.json, subscriptionGroup.json, consumerOffset.json and delayOffset.json of an Apache RocketMQ broker into the database. A ' +
      'Rocknest broker does this itself at its first start on the folder, and after an export; this command is for all other cases. The broker must be stopped.',
  ],
  operands: [{ name: 'DIR', description: 'the store folder (storePathRootDir)' }],
  flags: configToolFlags('replace everything that the database has of this broker'),
  examples: ['rocknest store import-config ~/store --broker DefaultCluster/broker-a/0'],
  async run({ operands, flags }, io) {
    const { importConfig } = await import('../../exchange/import-config.js');
    const options = toolOptions(operands, flags, io);
    const { brokerKey, files, counts, notes } = await importConfig(options).catch((error: unknown) => {
      throw (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? new CannotRunError(`there is no folder ${options.storePath}`, { cause: error })
        : error;
    });
    for (const note of notes) io.err(`${note}\n`);
    await io.out(`imported ${counts} of ${brokerKey} from ${files.join(', ')}\n`);
    return ExitCode.OK;
  },
});
