import type { CommandGroup } from '../command.js';
import { exportConfigCommand } from './export-config.js';
import { importConfigCommand } from './import-config.js';
import { dumpCommand } from './dump-command.js';
import { repairCommand } from './repair-command.js';
import { verifyCommand } from './verify-command.js';

/** `rocknest store ...`: work on the folder of a store while no broker uses it. */
export const storeCommands: CommandGroup = {
  name: 'store',
  summary: 'look at, check and repair the store folder of a broker',
  commands: [verifyCommand, dumpCommand, repairCommand, exportConfigCommand, importConfigCommand],
};
