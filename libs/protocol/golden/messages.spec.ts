import { describe, expect, it } from 'vitest';
import { splitBatchBody, encodeBatchBody } from '../src/message/batch-body.js';
import { encodeHost } from '../src/message/host.js';
import { decodeMessage } from '../src/message/message-decoder.js';
import { encodeMessage } from '../src/message/message-encoder.js';
import { decodeProperties } from '../src/message/properties.js';
import { goldenBytes, goldenFiles } from '../../../test/support/golden-fixtures.js';

interface ExpectedMessage {
  bornHost: string;
  storeHost: string;
  bodyHex: string;
  [field: string]: unknown;
}

/** `hex of the address:port`, the form in which the generator tells hosts. */
function hostHex(address: string): string {
  const bytes = encodeHost(address);
  return `${bytes.toString('hex', 0, bytes.length - 4)}:${bytes.readInt32BE(bytes.length - 4)}`;
}

/** Bytes that we write otherwise, and why. */
const OTHER_BYTES: [RegExp, string][] = [
  [/^4\.9\.8/, '4.9.8 leaves out the last separator of the properties'],
  [/compressed/, 'zlib is free to deflate in different ways'],
  [/odd-properties/, 'Java writes a property without a value, which no reader takes'],
];

describe('stored messages', () => {
  it.each(goldenFiles('message'))('$name', ({ version, golden, name }) => {
    const record = goldenBytes(version, golden.file);
    const { bodyHex, bornHost, storeHost, ...expected } = golden.expected as ExpectedMessage;
    const message = decodeMessage(record);
    expect(message).toMatchObject(expected);
    expect(message.body.toString('hex')).toBe(bodyHex);
    expect(hostHex(message.bornHost)).toBe(bornHost);
    expect(hostHex(message.storeHost)).toBe(storeHost);
    expect(message.storeSize).toBe(record.length);

    const again = encodeMessage(message);
    if (!OTHER_BYTES.some(([files]) => files.test(name))) expect(again.toString('hex')).toBe(record.toString('hex'));
    // The generator leaves the CRC of compressed bodies as that of the original.
    const { storeSize, bodyCrc, body, ...others } = decodeMessage(again);
    expect(message).toMatchObject(others);
    expect(body.equals(message.body)).toBe(true);
    if (!golden.file.includes('compressed')) expect(bodyCrc).toBe(message.bodyCrc);
    expect(storeSize).toBe(again.length);
  });
});

describe('batch bodies', () => {
  it.each(goldenFiles('batch'))('$name', ({ version, golden }) => {
    const batch = goldenBytes(version, golden.file);
    const items = splitBatchBody(batch).map((item) => ({
      flag: item.flag,
      bodyHex: item.body.toString('hex'),
      properties: decodeProperties(item.properties),
    }));
    expect(items).toEqual(golden.expected);
    const again = encodeBatchBody(
      items.map((item) => ({
        topic: 'TopicTest',
        flag: item.flag,
        body: Buffer.from(item.bodyHex, 'hex'),
        properties: item.properties,
      })),
    );
    // 4.9.8 leaves out the last separator of the properties.
    if (version === '4.9.8') expect(again.length).toBe(batch.length + items.length);
    else expect(again.toString('hex')).toBe(batch.toString('hex'));
  });
});
