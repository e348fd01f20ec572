/** One `key=value` of a properties file and the line on which it begins. */
export interface PropertyEntry {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/**
 * Reads the syntax of `java.util.Properties.load`: `#` and `!` comments, `=`, `:` or blanks between key and value, a
 * backslash at the end of a line to go on, `\t \n \r \f \uXXXX` escapes. Blanks after a value are dropped (Java keeps them, which
 * only ever broke a number). Entries come in the order of the file, doubles included.
 *
 * @throws SyntaxError with the line when a `\u` escape is broken.
 */
export function parseProperties(text: string): PropertyEntry[] {
  const entries: PropertyEntry[] = [];
  for (const { content, line } of logicalLines(text.replace(/^\uFEFF/, ''))) {
    const end = keyEnd(content);
    const rest = content.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '');
    entries.push({ key: unescape(content.slice(0, end), line), value: unescape(trimEnd(rest), line), line });
  }
  return entries;
}

/** Joins continued lines and drops comments and empty ones. */
function* logicalLines(text: string): Generator<{ content: string; line: number }> {
  const lines = text.split(/\r\n|\n|\r/);
  for (let index = 0; index < lines.length; index++) {
    let content = trimStart(lines[index] ?? '');
    if (content === '' || content.startsWith('#') || content.startsWith('!')) continue;
    const line = index + 1;
    while (endsWithOddBackslashes(content)) {
      content = content.slice(0, -1);
      if (++index >= lines.length) break;
      content += trimStart(lines[index] ?? '');
    }
    yield { content, line };
  }
}

function endsWithOddBackslashes(text: string): boolean {
  let count = 0;
  while (text.charAt(text.length - 1 - count) === '\\') count++;
  return count % 2 === 1;
}

/** Index of the first separator that no backslash precedes. */
function keyEnd(content: string): number {
  for (let index = 0; index < content.length; index++) {
    const char = content.charAt(index);
    if (char === '\\') index++;
    else if (char === '=' || char === ':' || char === ' ' || char === '\t' || char === '\f') return index;
  }
  return content.length;
}

const trimStart = (text: string): string => text.replace(/^[ \t\f]+/, '');

/** Drops blanks at the end, unless a backslash keeps the last of them. */
function trimEnd(text: string): string {
  const trimmed = text.replace(/[ \t\f]+$/, '');
  return trimmed.length < text.length && endsWithOddBackslashes(trimmed) ? text.slice(0, trimmed.length + 1) : trimmed;
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescape(text: string, line: number): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(u[0-9a-fA-F]{4}|[^])/g, (_, escaped: string) => {
    if (escaped.length === 5) return String.fromCharCode(parseInt(escaped.slice(1), 16));
    if (escaped === 'u') throw new SyntaxError(`line ${line}: \\u must be followed by four hexadecimal digits`);
    return ESCAPES[escaped] ?? escaped;
  });
}

/** `key=value` with what `parseProperties` needs to read it back as it was. */
export function formatProperty(key: string, value: string): string {
  const escape = (text: string): string =>
    text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t').replace(/\f/g, '\\f');
  const escapedKey = escape(key).replace(/[=: #!]/g, '\\$&');
  return `${escapedKey}=${escape(value).replace(/^ | $/g, '\\ ')}`;
}
