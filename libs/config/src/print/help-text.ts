import { environmentName } from '../environment.js';
import type { Setting } from '../setting.js';
import type { SettingsShape } from '../settings-definition.js';

const INDENT = 6;
const WIDTH = 100;

/** What `--help` prints: the flags, then each key with its default and meaning. */
export function helpText(program: string, settings: SettingsShape): string {
  const lines = [
    `Usage: npm run ${program} -- [-c FILE] [--key value ...]`,
    '',
    'Flags',
    '  -c, --configFile FILE        conf file (key=value, the keys below)',
    '  -p, --printConfigItem        print the configuration in force, and where each value came from, and end',
    '  -m, --printImportantConfig   the same for the important keys alone',
    '  -h, --help                   print this',
    '',
    'Every key below can stand in the conf file, in the environment (listenPort is',
    `${environmentName('listenPort')}) and as a flag (--listenPort 10911). A flag wins over the`,
    'environment, the environment over the file, the file over the default.',
  ];
  let section: string | undefined;
  for (const [key, item] of Object.entries(settings)) {
    if (item.section !== section || section === undefined) lines.push('', item.section ?? 'Keys');
    section = item.section ?? 'Keys';
    lines.push(`  ${flags(key, item)}${facts(item)}`, ...wrap(item.description));
  }
  return `${lines.join('\n')}\n`;
}

function flags(key: string, item: Setting<unknown>): string {
  return item.short === undefined ? `--${key}` : `-${item.short}, --${key}`;
}

function facts(item: Setting<unknown>): string {
  const parts = [defaultText(item)];
  if (item.allowed !== undefined) parts.push(item.allowed);
  if (item.environment.length > 0) parts.push(`also ${item.environment.join(', ')}`);
  return `  [${parts.join('; ')}]`;
}

/** The default in words, with its unit. */
export function defaultText(item: Setting<unknown>): string {
  if (item.default === undefined || item.default === '') return 'not set';
  const text = item.show(item.default);
  return item.unit === undefined ? text : `${text} ${item.unit}`;
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + word.length + 1 > WIDTH - INDENT) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.map((content) => ' '.repeat(INDENT) + content);
}
