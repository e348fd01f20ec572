import { environmentName } from '../environment.js';
import type { SettingsShape } from '../settings-definition.js';
import { defaultText } from './help-text.js';

/** A definition as Markdown tables, one for each section: key, default, allowed values, meaning. */
export function settingsDocument(settings: SettingsShape): string {
  const sections = new Map<string, string[]>();
  for (const [key, item] of Object.entries(settings)) {
    const name = item.section ?? 'Keys';
    const environment = [environmentName(key), ...item.environment].map((text) => `\`${text}\``).join(', ');
    const notes = [cell(item.description)];
    if (item.dynamic) notes.push('Can be changed while it runs.');
    const flag = item.short === undefined ? `\`${key}\`` : `\`${key}\` (\`-${item.short}\`)`;
    const allowed = item.allowed === undefined ? item.kind : cell(item.allowed);
    const row = `| ${flag} | ${cell(defaultText(item))} | ${allowed} | ${notes.join(' ')} | ${environment} |`;
    const rows = sections.get(name);
    if (rows === undefined) sections.set(name, [row]);
    else rows.push(row);
  }
  return [...sections]
    .map(([name, rows]) =>
      [`### ${name}`, '', '| key | default | allowed | meaning | environment |', '|---|---|---|---|---|', ...rows].join(
        '\n',
      ),
    )
    .join('\n\n');
}

function cell(text: string): string {
  return text.replace(/\|/g, '\\|');
}
