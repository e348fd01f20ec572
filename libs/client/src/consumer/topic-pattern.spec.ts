import { describe, expect, it } from 'vitest';
import { parseTags, parseTopicPattern, tagExpression } from './topic-pattern.js';

describe('parseTopicPattern', () => {
  it.each([
    ['orders', { topic: 'orders', group: undefined, tags: undefined }],
    ['orders:*', { topic: 'orders', group: undefined, tags: undefined }],
    ['orders:created', { topic: 'orders', group: undefined, tags: ['created'] }],
    ['orders: created || paid ', { topic: 'orders', group: undefined, tags: ['created', 'paid'] }],
    ['orders:a:b', { topic: 'orders', group: undefined, tags: ['a:b'] }],
    [{ topic: 'orders' }, { topic: 'orders', group: undefined, tags: undefined }],
    [
      { topic: 'orders', group: 'g', tags: 'a||a||b' },
      { topic: 'orders', group: 'g', tags: ['a', 'b'] },
    ],
    [
      { topic: 'orders', tags: ['a', 'b || c'] },
      { topic: 'orders', group: undefined, tags: ['a', 'b', 'c'] },
    ],
  ])('%j', (pattern, expected) => {
    expect(parseTopicPattern(pattern)).toEqual(expected);
  });

  it.each([
    [{ cmd: 'sum' }, /pattern \{ cmd: 'sum' \} is none that this transport knows; patterns are 'topic'/],
    [undefined, /pattern undefined/],
    [{ topic: '' }, /topic must be a text/],
    [{ topic: 'a b' }, /illegal characters/],
    ['', /blank/],
    [{ topic: 'a', group: 3 }, /group must be a text/],
    [{ topic: 'a', tags: 3 }, /tags must be text/],
  ])('refuses %j', (pattern, message) => {
    expect(() => parseTopicPattern(pattern)).toThrow(message);
  });
});

it('tags and expressions', () => {
  expect(parseTags(['a', '*'])).toBeUndefined();
  expect(parseTags(' || ')).toBeUndefined();
  expect(tagExpression(undefined)).toBe('*');
  expect(tagExpression(['a', 'b'])).toBe('a || b');
});
