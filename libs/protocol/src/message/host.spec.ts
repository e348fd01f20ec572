import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHost, encodeHost } from './host.js';

describe('hosts', () => {
  it('come back from 8 or 20 bytes', () => {
    const port = fc.nat(65_535);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6().map((ip) => `[${ip}]`),
        ),
        port,
        (ip, number) => {
          const bytes = encodeHost(`${ip}:${number}`);
          expect(bytes.length).toBe(ip.startsWith('[') ? 20 : 8);
          const text = decodeHost(bytes);
          expect(encodeHost(text).equals(bytes)).toBe(true);
          if (bytes.length === 8) expect(text).toBe(`${ip}:${number}`);
        },
      ),
    );
  });

  it.each([
    ['127.0.0.1:10911', '7f00000100002a9f', '127.0.0.1:10911'],
    ['::1:80', '0000000000000000000000000000000100000050', '[::1]:80'],
    ['[fe80::1%eth0]:80', 'fe80000000000000000000000000000100000050', '[fe80::1]:80'],
    ['[2001:db8:0:0:1:0:0:1]:1', '20010db800000000000100000000000100000001', '[2001:db8::1:0:0:1]:1'],
    ['[::ffff:10.0.0.1]:5', '0a00000100000005', '10.0.0.1:5'],
    ['[64:ff9b::10.0.0.1]:5', '0064ff9b00000000000000000a00000100000005', '[64:ff9b::a00:1]:5'],
    ['/10.0.0.1:5', '0a00000100000005', '10.0.0.1:5'],
  ])('%s is %s', (address, hex, text) => {
    expect(encodeHost(address).toString('hex')).toBe(hex);
    expect(decodeHost(Buffer.from(hex, 'hex'))).toBe(text);
  });

  it.each(['', 'localhost:1', '1.2.3.4', '1.2.3.4:', '1.2.3.4:70000', '1.2.3:1', '[::1]', ':1', '1.2.3.4:-1'])(
    'refuses %j',
    (address) => {
      expect(() => encodeHost(address)).toThrow(/not an address of the form ip:port/);
    },
  );

  it('refuses other lengths', () => {
    expect(() => decodeHost(Buffer.alloc(12))).toThrow(/12 bytes/);
  });
});
