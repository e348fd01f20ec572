import { describe, expect, it } from 'vitest';
import { buildSubscriptionData } from '../src/filter/subscription.js';
import { bodyCrc32 } from '../src/message/crc32.js';
import { encodeHost } from '../src/message/host.js';
import { javaStringHash } from '../src/message/java-hash.js';
import { createOffsetMsgId, decodeOffsetMsgId } from '../src/message/message-id.js';
import { decodeProperties, encodeProperties } from '../src/message/properties.js';
import { GOLDEN_VERSIONS, goldenIndex } from '../../../test/support/golden-fixtures.js';

describe.each(GOLDEN_VERSIONS)('values of the Java client %s', (version) => {
  const { values } = goldenIndex(version);

  it('hashes texts as Java does', () => {
    for (const { text, hash } of values.tagHashes) expect(javaStringHash(text as string), text as string).toBe(hash);
  });

  it('makes and reads offset message ids', () => {
    for (const { address, offset, id } of values.offsetMsgIds) {
      expect(createOffsetMsgId(encodeHost(address as string), offset as number)).toBe(id);
      expect(decodeOffsetMsgId(id as string)).toEqual({ address, physicalOffset: offset });
    }
  });

  it('reads property blocks, and writes them again', () => {
    for (const { text, properties } of values.properties) {
      const decoded = decodeProperties(text as string);
      expect(Object.fromEntries(Object.entries(properties as Record<string, string>))).toEqual(decoded);
      // A value with a separator in it can be read, but we refuse to write it.
      const clean = Object.entries(decoded).filter(([, value]) => !value.includes('\u0001'));
      expect(Object.entries(decodeProperties(encodeProperties(Object.fromEntries(clean))))).toEqual(clean);
    }
    const [plain] = values.properties;
    const block = encodeProperties(plain.properties as Record<string, string>);
    // 4.9.8 leaves out the last separator.
    expect(version === '4.9.8' ? block.slice(0, -1) : block).toBe(plain.text);
  });

  it('computes the CRC of bodies', () => {
    for (const { text, crc } of values.bodyCrcs) expect(bodyCrc32(Buffer.from(text as string))).toBe(crc);
  });

  it('builds subscriptions', () => {
    for (const { expression, subString, tagsSet, codeSet, expressionType } of values.subscriptions) {
      const data = buildSubscriptionData('TopicTest', expression as string);
      expect(data).toMatchObject({ topic: 'TopicTest', subString, expressionType, classFilterMode: false });
      expect([...data.tagsSet].sort()).toEqual(tagsSet);
      expect([...data.codeSet].sort((a, b) => a - b)).toEqual(codeSet);
    }
  });
});
