import { Sql92Error, Sql92Filter } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { Sql92FilterCache } from './sql92-filter-cache.js';

describe('Sql92FilterCache', () => {
  it('compiles an expression once, and finds a wrong one out once', () => {
    const cache = new Sql92FilterCache({ maxExpressions: 10, maxCharacters: 1_000 });
    const filter = cache.get('a = 1');
    expect(filter).toBeInstanceOf(Sql92Filter);
    expect(cache.get('a = 1')).toBe(filter);
    const error = cache.get('a =');
    expect(error).toBeInstanceOf(Sql92Error);
    expect(cache.get('a =')).toBe(error);
  });

  it('forgets what was not used for longest', () => {
    const cache = new Sql92FilterCache({ maxExpressions: 2, maxCharacters: 1_000 });
    const a = cache.get('a = 1');
    const b = cache.get('b = 1');
    expect(cache.get('a = 1')).toBe(a);
    cache.get('c = 1');
    expect(cache.size).toBe(2);
    expect(cache.get('a = 1')).toBe(a);
    expect(cache.get('b = 1')).not.toBe(b);
  });

  it('is limited by characters too', () => {
    const cache = new Sql92FilterCache({ maxExpressions: 100, maxCharacters: 20 });
    for (let i = 0; i < 50; i++) cache.get(`abc = ${i}`);
    expect(cache.size).toBe(2);
    cache.get(`abc = ${'1'.repeat(30)}`);
    expect(cache.size).toBe(2);
  });
});
