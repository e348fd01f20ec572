import { encodeHost } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from './address.js';

describe('addresses', () => {
  it('writes what a socket says', () => {
    expect(formatAddress('10.0.0.1', 10911)).toBe('10.0.0.1:10911');
    expect(formatAddress('::ffff:10.0.0.1', 10911)).toBe('10.0.0.1:10911');
    expect(formatAddress('::1', 1)).toBe('[::1]:1');
    expect(encodeHost(formatAddress('::1', 10911))).toHaveLength(20);
    expect(encodeHost(formatAddress('::ffff:1.2.3.4', 5)).toString('hex')).toBe('0102030400000005');
  });

  it.each([
    ['127.0.0.1:9876', { host: '127.0.0.1', port: 9876 }],
    ['broker-a.example:10911', { host: 'broker-a.example', port: 10911 }],
    ['[::1]:10911', { host: '::1', port: 10911 }],
    ['::1:10911', { host: '::1', port: 10911 }],
  ])('reads %s', (text, expected) => {
    expect(parseAddress(text)).toEqual(expected);
  });

  it.each(['', 'host', ':1', 'host:', 'host:0', 'host:65536', 'host:1x', 'host:-1', 'host:123456'])(
    'refuses "%s"',
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );
});
