import { javaStringHash } from '@rocknest/protocol';

const KEY_SEPARATOR = 0x20;
const PROPERTY_SEPARATOR = 2;
const UNIQ_KEY = Buffer.from('UNIQ_KEY\u0001');
const KEYS = Buffer.from('KEYS\u0001');
const TAGS = Buffer.from('TAGS\u0001');
const HASH_SIGN = 0x23;
const TAG_TYPE = 0x54;
const INT32_MIN = -0x8000_0000;

/** Receives the key hashes of one message: UNIQ_KEY, the words of KEYS, TAGS. */
export interface KeyHashSink {
  addHash(keyHash: number): void;
}

/** Hash of a key as the index has it: Java's hash of `topic#key`, made positive (RocketMQ's `indexKeyHashMethod`). */
export function indexKeyHash(topic: string, key: string): number {
  return positive(javaStringHash(`${topic}#${key}`));
}

/** How the index has the tags of a message: as the key `T#tags` (RocketMQ 5.4.0, INDEX_TAG_TYPE). */
export function tagsKey(tags: string): string {
  return `T#${tags}`;
}

/** Hash of `topic#` from the stored bytes of a topic: what the hashes of its keys go on from. */
export function topicPrefixHash(bytes: Buffer, start: number, end: number): number {
  return (Math.imul(textHash(bytes, start, end, 0), 31) + HASH_SIGN) | 0;
}

/**
 * Hashes the keys of a message straight from its stored properties: UNIQ_KEY, then each word of KEYS, then TAGS as a whole. Of two properties with one
 * name the last one counts, and one without a value is none, as everywhere (`decodeProperties`).
 *
 * Follows `store/index/IndexService.java` (`buildIndex`).
 */
export function hashKeys(bytes: Buffer, start: number, end: number, prefixHash: number, sink: KeyHashSink): void {
  let uniqueStart = -1;
  let uniqueEnd = -1;
  let keysStart = -1;
  let keysEnd = -1;
  let tagsStart = -1;
  let tagsEnd = -1;
  for (let p = start; p < end; p++) {
    const from = p;
    const first = bytes[p];
    while (p < end && bytes[p] !== PROPERTY_SEPARATOR) p++;
    if (first === UNIQ_KEY[0]) {
      if (p - from > UNIQ_KEY.length && startsWith(bytes, from, UNIQ_KEY)) {
        uniqueStart = from + UNIQ_KEY.length;
        uniqueEnd = p;
      }
    } else if (first === KEYS[0]) {
      if (p - from > KEYS.length && startsWith(bytes, from, KEYS)) {
        keysStart = from + KEYS.length;
        keysEnd = p;
      }
    } else if (first === TAGS[0]) {
      if (p - from > TAGS.length && startsWith(bytes, from, TAGS)) {
        tagsStart = from + TAGS.length;
        tagsEnd = p;
      }
    }
  }
  if (uniqueStart >= 0) sink.addHash(positive(textHash(bytes, uniqueStart, uniqueEnd, prefixHash)));
  for (let p = keysStart; p < keysEnd; p++) {
    const from = p;
    while (p < keysEnd && bytes[p] !== KEY_SEPARATOR) p++;
    if (p > from) sink.addHash(positive(textHash(bytes, from, p, prefixHash)));
  }
  if (tagsStart < 0) return;
  const tagsPrefixHash = (Math.imul((Math.imul(prefixHash, 31) + TAG_TYPE) | 0, 31) + HASH_SIGN) | 0;
  sink.addHash(positive(textHash(bytes, tagsStart, tagsEnd, tagsPrefixHash)));
}

/** All that the index has of a message, from its property text. */
export function indexedKeysOf(properties: Readonly<Record<string, string>>): string[] {
  const keys = keysOf(properties);
  return properties.TAGS === undefined ? keys : [...keys, tagsKey(properties.TAGS)];
}

/** The keys that a message can be found by, from its property text. */
export function keysOf(properties: Readonly<Record<string, string>>): string[] {
  const { UNIQ_KEY: uniqueKey, KEYS: keys } = properties;
  const words = keys === undefined ? [] : keys.split(' ').filter((word) => word !== '');
  return uniqueKey === undefined ? words : [uniqueKey, ...words];
}

/** Java's String hash, gone on with from `hash`. Bytes of ASCII text are its UTF-16 units; other text is decoded first. */
function textHash(bytes: Buffer, start: number, end: number, hash: number): number {
  let result = hash;
  let seen = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    seen |= byte;
    result = (Math.imul(result, 31) + byte) | 0;
  }
  if (seen < 0x80) return result;
  const text = bytes.toString('utf8', start, end);
  result = hash;
  for (let i = 0; i < text.length; i++) result = (Math.imul(result, 31) + text.charCodeAt(i)) | 0;
  return result;
}

function startsWith(bytes: Buffer, at: number, name: Buffer): boolean {
  for (let i = 1; i < name.length; i++) if (bytes[at + i] !== name[i]) return false;
  return true;
}

function positive(hash: number): number {
  if (hash >= 0) return hash;
  return hash === INT32_MIN ? 0 : -hash;
}
