import type { CommandGroup } from './command.js';
import { storeCommands } from './store/store-commands.js';

/** The command line as a table: `rocknest GROUP COMMAND`. */
export const commands: CommandGroup = {
  name: 'rocknest',
  summary: 'tools for the operators of a Rocknest message bus',
  commands: [storeCommands],
};
