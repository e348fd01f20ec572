import { resolve } from 'node:path';
import type { ConfigToolOptions } from '../../exchange/config-tools.js';
import type { CliIo } from '../cli-io.js';
import { flag, type BooleanFlag, type TextFlag } from '../command.js';

/** The flags that `export-config` and `import-config` share. */
export function configToolFlags(force: string): Record<'database-url' | 'broker', TextFlag> & { force: BooleanFlag } {
  return {
    'database-url': flag.text('URL', 'the database of the broker; default DATABASE_URL, else metadata.db in DIR'),
    broker: flag.text('CLUSTER/NAME/ID', 'the broker that is meant, when the database has several'),
    force: flag.boolean(force),
  };
}

export function toolOptions(
  [dir]: readonly string[],
  flags: { 'database-url': string | undefined; broker: string | undefined; force: boolean },
  io: CliIo,
): ConfigToolOptions {
  const line = (text: string): void => io.err(`${text}\n`);
  return {
    storePath: resolve(dir),
    databaseUrl: flags['database-url'] ?? io.env.DATABASE_URL ?? '',
    brokerKey: flags.broker,
    force: flags.force,
    logger: { log: line, warn: line, error: line },
  };
}
