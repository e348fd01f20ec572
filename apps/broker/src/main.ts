import 'reflect-metadata';
import { ConsoleLogger } from '@nestjs/common';
import { loadSettings } from '@rocknest/config';
import { brokerSettings } from './config/broker-settings.js';
import { startBroker } from './start/start-broker.js';
import { startErrorText } from './start/start-error-text.js';
import { startLine } from './start/start-line.js';
import { stopOnSignals } from '@rocknest/remoting-nest';

async function main(): Promise<void> {
  const { action, output, values, sources, warnings } = loadSettings(brokerSettings, {
    argv: process.argv.slice(2),
    env: process.env,
    program: 'broker',
  });
  if (action !== 'run') {
    process.stdout.write(output);
    return;
  }
  const logger = new ConsoleLogger('Broker');
  for (const warning of warnings) logger.warn(warning);
  const broker = await startBroker({ values, sources }, logger);
  stopOnSignals(() => broker.close(), logger);
  logger.log(startLine(broker));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${startErrorText(error)}\n`);
  process.exitCode = 1;
}
