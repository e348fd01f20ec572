import { describe, expect, it } from 'vitest';
import { propertiesOf, propertiesText } from './properties-text.js';

describe('settings as text', () => {
  it('reads lines without escapes, with `=` in values', () => {
    expect(propertiesOf('a=1\nb=x=y\r\nc=\nnothing\n')).toEqual({ a: '1', b: 'x=y', c: '' });
  });

  it('writes what properties files need escaped', () => {
    expect(propertiesText({ a: 1, b: true, c: ' C:\\d\ne' })).toBe('a=1\nb=true\nc=\\ C:\\\\d\\ne\n');
    expect(() => propertiesText({ 'a b': 1 })).toThrow(/no key of a setting/);
  });
});
