import { CannotRunError } from '../cli-errors.js';
import { defineCommand } from '../command.js';
import { ExitCode } from '../exit-codes.js';
import { configToolFlags, toolOptions } from './config-tool-options.js';

/** `rocknest store export-config DIR` */
export const exportConfigCommand = defineCommand({
  name: 'export-config',
  summary: 'write topics, groups and offsets as files that the Apache RocketMQ broker reads',
  description: [
    'Writes config/topics.json, subscriptionGroup.json, consumerOffset.json and delayOffset.json from the database, so that an Apache RocketMQ ' +
      'broker can go on with the store. The broker of the store must be stopped.',
    'When a Rocknest broker starts on the folder again, it takes over what RocketMQ has changed in these files.',
  ],
  operands: [{ name: 'DIR', description: 'the store folder (storePathRootDir)' }],
  flags: configToolFlags('write files anew that are there already; what they held is kept as *.bak'),
  examples: [
    'rocknest store export-config ~/rocknest/store',
    'rocknest store export-config /var/rocknest --database-url postgres://user:password@db/rocknest --force',
  ],
  async run({ operands, flags }, io) {
    const { exportConfig } = await import('../../exchange/export-config.js');
    const options = toolOptions(operands, flags, io);
    const { brokerKey, files, backups } = await exportConfig(options).catch((error: unknown) => {
      throw (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? new CannotRunError(`there is no folder ${options.storePath}`, { cause: error })
        : error;
    });
    const lines = files.map(({ path, sizeBytes, holds }) => `${path}: ${holds}, ${sizeBytes} bytes`);
    if (backups.length > 0) lines.push(`kept what was there before: ${backups.join(', ')}`);
    lines.push(
      `The metadata of ${brokerKey} was exported. Start the Apache RocketMQ broker with brokerName and cluster of that name.`,
    );
    await io.out(`${lines.join('\n')}\n`);
    return ExitCode.OK;
  },
});
