import { ResponseCode } from '@rocknest/protocol';
import { RequestRefusedError } from '../errors.js';

/** The attributes that RocketMQ gives meaning to, and the values that this version can keep its word for. */
const KNOWN: Readonly<
  Record<string, { values?: readonly string[]; pattern?: RegExp; unsupported?: readonly string[] }>
> = {
  'message.type': { values: ['UNSPECIFIED', 'NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'MIXED'] },
  'queue.type': { values: ['SimpleCQ', 'BatchCQ'], unsupported: ['BatchCQ'] },
  'cleanup.policy': { values: ['DELETE', 'COMPACTION'], unsupported: ['COMPACTION'] },
  'reserve.time': { pattern: /^-?\d{1,18}$/ },
};
/** Cannot be changed once the topic is there. */
const UNCHANGEABLE: ReadonlySet<string> = new Set(['queue.type']);
const MAX_TEXT_LENGTH = 4_096;

/**
 * Changes a topic's attributes as `+name=value,-name` says.
 *
 * Follows `common/attribute/AttributeUtil.java`, `AttributeParser.java` and `TopicAttributes.java`.
 *
 * @param current the attributes of the topic, undefined when it is being created: then only `+` is allowed.
 * @throws RequestRefusedError INVALID_PARAMETER for an unknown attribute, an illegal value, or one that this version does not support.
 */
export function alterAttributes(
  current: Readonly<Record<string, string>> | undefined,
  text: string | undefined,
): Record<string, string> {
  const attributes: Record<string, string> = { ...current };
  if (text === undefined || text.trim() === '') return attributes;
  if (text.length > MAX_TEXT_LENGTH)
    throw refused(`the attributes have ${text.length} characters, at most ${MAX_TEXT_LENGTH} are taken`);
  for (const part of text.split(',')) {
    const match = /^([+-])([^=]+)(?:=(.*))?$/.exec(part.trim());
    if (match === null) throw refused(`"${part}" is not of the form +name=value or -name`);
    const [, sign, name, value] = match;
    if (current === undefined && sign !== '+')
      throw refused(`only +name=value is allowed while a topic is created, not ${part}`);
    const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;
    if (known === undefined)
      throw refused(`the attribute ${name} is unknown; known are ${Object.keys(KNOWN).join(', ')}`);
    if (sign === '-') delete attributes[name];
    else attributes[name] = checkedValue(name, value ?? '', known, current);
  }
  return attributes;
}

function checkedValue(
  name: string,
  value: string,
  known: (typeof KNOWN)[string],
  current: Readonly<Record<string, string>> | undefined,
): string {
  const legal = known.values?.includes(value) ?? known.pattern?.test(value) ?? true;
  if (!legal) throw refused(`${value} is no value of the attribute ${name}`);
  if (known.unsupported?.includes(value) === true) throw refused(`${name}=${value} is not supported by this version`);
  if (current !== undefined && UNCHANGEABLE.has(name) && (current[name] ?? known.values?.[0]) !== value) {
    throw refused(`the attribute ${name} of a topic cannot be changed`);
  }
  return value;
}

function refused(remark: string): RequestRefusedError {
  return new RequestRefusedError(ResponseCode.INVALID_PARAMETER, remark);
}
