import { formatProperty } from '../properties.js';
import { describeSource, type SettingSource } from '../setting-source.js';
import type { Setting } from '../setting.js';
import type { SettingsShape } from '../settings-definition.js';

/**
 * The configuration in force as `key=value` lines, each group under a comment that says where its values came from. It can be
 * used as a conf file again; only passwords are left out of it.
 */
export function printSettings(
  settings: SettingsShape,
  values: Readonly<Record<string, unknown>>,
  sources: Readonly<Record<string, SettingSource>>,
  wanted: (item: Setting<unknown>) => boolean = () => true,
): string {
  const groups = new Map<string, string[]>();
  for (const [key, item] of Object.entries(settings)) {
    if (!wanted(item)) continue;
    const source = describeSource(sources[key] ?? { from: 'default' });
    const line =
      item.default === undefined && values[key] === undefined
        ? `#${key}=`
        : formatProperty(key, item.show(values[key]));
    const lines = groups.get(source);
    if (lines === undefined) groups.set(source, [line]);
    else lines.push(line);
  }
  const defaults = groups.get('default');
  groups.delete('default');
  const ordered = [...groups, ...(defaults === undefined ? [] : [['default', defaults] as const])];
  return ordered.map(([source, lines]) => `# ${source}\n${lines.join('\n')}\n`).join('\n');
}
