import 'reflect-metadata';
import { ConsoleLogger } from '@nestjs/common';
import { loadSettings } from '@rocknest/config';
import { namesrvSettings } from './config/namesrv-settings.js';
import { startNamesrv } from './namesrv.js';
import { startErrorText } from './start/start-error-text.js';
import { startLine } from './start/start-line.js';
import { stopOnSignals } from '@rocknest/remoting-nest';

async function main(): Promise<void> {
  const loaded = loadSettings(namesrvSettings, {
    argv: process.argv.slice(2),
    env: process.env,
    program: 'namesrv',
    // Set for the broker beside it, as it often is.
    foreignKeys: ['namesrvAddr'],
  });
  if (loaded.action !== 'run') {
    process.stdout.write(loaded.output);
    return;
  }
  const logger = new ConsoleLogger('Namesrv');
  for (const warning of loaded.warnings) logger.warn(warning);
  const namesrv = await startNamesrv(loaded, logger);
  stopOnSignals(() => namesrv.close(), logger);
  logger.log(startLine(namesrv));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${startErrorText(error)}\n`);
  process.exitCode = 1;
}
