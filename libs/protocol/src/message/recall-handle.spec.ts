import { describe, expect, it } from 'vitest';
import { decodeRecallHandle, encodeRecallHandle } from './recall-handle.js';

const handle = { topic: 'Orders', brokerName: 'broker-a', timestamp: '1763862000123', messageId: '7F0000011A2B' };

describe('recall handle', () => {
  it('is the padded base64url text that the Java broker makes', () => {
    const text = encodeRecallHandle(handle);
    expect(text).toBe('djEgT3JkZXJzIGJyb2tlci1hIDE3NjM4NjIwMDAxMjMgN0YwMDAwMDExQTJC');
    expect(encodeRecallHandle({ ...handle, messageId: 'A' })).toMatch(/=$/);
    expect(decodeRecallHandle(text)).toEqual(handle);
    expect(decodeRecallHandle(encodeRecallHandle({ ...handle, topic: '订单' }))).toEqual({ ...handle, topic: '订单' });
  });

  it.each([
    '',
    'x',
    '%%%',
    'v1',
    Buffer.from('v2 a b 1 c').toString('base64url'),
    Buffer.from('v1 a b 1').toString('base64url'),
    'A'.repeat(5_000),
  ])('refuses %j', (text) => {
    expect(() => decodeRecallHandle(text)).toThrow('recall handle is invalid');
  });
});
