import { describe, expect, it } from 'vitest';
import { parseNamesrvAddr } from './namesrv-addresses.js';

describe('parseNamesrvAddr', () => {
  it('takes a list separated by semicolons, trimmed and without duplicates', () => {
    expect(parseNamesrvAddr(' a:9876; b.example:9877 ;a:9876;[::1]:9876;')).toEqual([
      'a:9876',
      'b.example:9877',
      '[::1]:9876',
    ]);
  });

  it.each([
    [undefined, /set namesrvAddr, or NAMESRV_ADDR/],
    ['  ', /set namesrvAddr/],
    [';;', /names no host:port/],
    ['localhost', /"localhost" is not host:port/],
    ['localhost:0', /"localhost:0" is not host:port/],
    ['localhost:70000', /not host:port/],
    ['a:1,b:2', /separated by ";"/],
    ['http://a:9876', /without a scheme/],
    ['a:9876;bad host:1', /"bad host:1"/],
  ])('refuses %j and says why', (text, message) => {
    expect(() => parseNamesrvAddr(text)).toThrow(message);
  });
});
