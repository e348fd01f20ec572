import { invalidArgument } from '../support/check.js';

/** The `key=value` lines of GET_BROKER_CONFIG, which are written without escapes. */
export function propertiesOf(text: string): Record<string, string> {
  const entries = text
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line.includes('='))
    .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return Object.fromEntries(entries);
}

/**
 * The text of a properties file, as UPDATE_BROKER_CONFIG takes it.
 *
 * @throws MQClientError INVALID_ARGUMENT for a key that no setting can have.
 */
export function propertiesText(properties: Readonly<Record<string, string | number | boolean>>): string {
  const lines = Object.entries(properties).map(([key, value]) => {
    if (!/^[\w.-]+$/.test(key)) throw invalidArgument(`"${key}" is no key of a setting`, { key });
    const text = String(value).replace(/\\/g, '\\\\').replace(/\r?\n/g, '\\n').replace(/^ /, '\\ ');
    return `${key}=${text}\n`;
  });
  return lines.join('');
}
