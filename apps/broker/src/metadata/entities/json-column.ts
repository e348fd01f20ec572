/** JSON for a text column, in ASCII: databases differ in how they count and compare other characters. */
export function toJsonColumn(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What a JSON column holds, when that is an object. */
export function objectFromJsonColumn(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** The same for a table of texts. */
export function textsFromJsonColumn(text: string): Record<string, string> {
  return Object.fromEntries(Object.entries(objectFromJsonColumn(text)).map(([key, value]) => [key, String(value)]));
}

/** The same for a list; JSON's null is no list. */
export function listFromJsonColumn(text: string): unknown[] | undefined {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value : undefined;
}
