import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatProperty, parseProperties } from './properties.js';

const pairs = (text: string): Record<string, string> =>
  Object.fromEntries(parseProperties(text).map(({ key, value }) => [key, value]));

describe('parseProperties', () => {
  it('reads the separators of java.util.Properties', () => {
    expect(pairs('a=1\nb: 2\nc 3\nd\t=\t4\n  e = 5  \nf')).toEqual({ a: '1', b: '2', c: '3', d: '4', e: '5', f: '' });
  });

  it('leaves out comments, empty lines and a byte order mark', () => {
    expect(pairs('\uFEFF# x=1\n!y=2\n\n   # z=3\r\nlistenPort=10911\r\n')).toEqual({ listenPort: '10911' });
  });

  it('joins lines that end with a backslash and drops the blanks that follow', () => {
    expect(parseProperties('first=1\nnamesrvAddr=a:9876;\\\n    b:9876\nlast=2')).toEqual([
      { key: 'first', value: '1', line: 1 },
      { key: 'namesrvAddr', value: 'a:9876;b:9876', line: 2 },
      { key: 'last', value: '2', line: 4 },
    ]);
  });

  it('reads escapes', () => {
    expect(pairs('path=C\\:\\\\store\\ttab\nkey\\=with\\ blank=\\u0041\nlast=x\\')).toEqual({
      path: 'C:\\store\ttab',
      'key=with blank': 'A',
      last: 'x',
    });
  });

  it('names the line of a broken escape', () => {
    expect(() => parseProperties('a=1\nb=\\u12')).toThrow('line 2');
  });

  it('keeps a value that contains separators', () => {
    expect(pairs('url=postgres://u:p@h/db?x=1#y')).toEqual({ url: 'postgres://u:p@h/db?x=1#y' });
  });

  it('reads back what formatProperty wrote', () => {
    const key = fc.string({ minLength: 1, unit: 'binary' }).filter((text) => text.trim() === text);
    fc.assert(
      fc.property(key, fc.string({ unit: 'binary' }), (name, value) => {
        const trimmed = value.replace(/^[ \t\f]+|[ \t\f]+$/g, '');
        expect(pairs(formatProperty(name, trimmed))).toEqual({ [name]: trimmed });
      }),
      { numRuns: 50 },
    );
  });
});
