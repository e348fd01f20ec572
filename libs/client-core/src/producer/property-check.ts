import { isReservedProperty } from '@rocknest/protocol';

/** Where a reserved name has a field of its own. */
const FIELD_OF: Readonly<Record<string, string>> = {
  KEYS: 'keys',
  TAGS: 'tags',
  DELAY: 'delayTimeLevel',
  TIMER_DELAY_SEC: 'delayTimeSec',
  TIMER_DELAY_MS: 'delayTimeMs',
  TIMER_DELIVER_MS: 'deliverTimeMs',
  WAIT: 'waitStoreOk',
};

/** Why a property with this name and value can't be sent, or undefined when it can. */
export function propertyProblem(name: string, value: unknown): string | undefined {
  if (name === '') return 'a property has an empty name';
  if (isReservedProperty(name)) {
    const field = FIELD_OF[name];
    return `property "${name}" is reserved for the bus${field ? `; use the field "${field}" of the message` : '; choose another name'}`;
  }
  if (typeof value !== 'string') return `property "${name}" is of type ${typeof value}, must be a string`;
  if (value === '') return `property "${name}" is empty; RocketMQ loses empty values, leave it out`;
  if (hasSeparator(name) || hasSeparator(value)) {
    return `property "${name}" contains U+0001 or U+0002, which separate properties on the wire`;
  }
  return undefined;
}

/** True when the text holds a character that separates names and values in the encoded properties. */
export function hasSeparator(text: string): boolean {
  return text.includes('\u0001') || text.includes('\u0002');
}
