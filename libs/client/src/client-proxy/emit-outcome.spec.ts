import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { EmitOutcome } from './emit-outcome.js';
import { emitTargetOf } from './emit-target.js';

describe('EmitOutcome', () => {
  it('gives the result and the end to early and late subscribers', async () => {
    const outcome = new EmitOutcome<number>();
    const early = lastValueFrom(outcome.observable.pipe(toArray()));
    outcome.succeed(7);
    expect(await early).toEqual([7]);
    expect(await lastValueFrom(outcome.observable.pipe(toArray()))).toEqual([7]);
  });

  it('gives the failure to early and late subscribers, and tells whether somebody waits', async () => {
    const outcome = new EmitOutcome<number>();
    const gone = outcome.observable.subscribe();
    expect(outcome.observed).toBe(true);
    gone.unsubscribe();
    expect(outcome.observed).toBe(false);
    const early = lastValueFrom(outcome.observable);
    expect(outcome.observed).toBe(true);
    outcome.fail(new Error('gone'));
    await expect(early).rejects.toThrow('gone');
    await expect(lastValueFrom(outcome.observable)).rejects.toThrow('gone');
  });

  it('says nothing to those who unsubscribed', async () => {
    const outcome = new EmitOutcome<number>();
    const seen: string[] = [];
    outcome.observable.subscribe(() => seen.push('gone')).unsubscribe();
    outcome.observable.subscribe(() => seen.push('first'));
    outcome.observable.subscribe(() => seen.push('second'));
    outcome.succeed(1);
    expect(seen).toEqual(['first', 'second']);
  });
});

describe('emitTargetOf', () => {
  it('reads texts once and objects each time', () => {
    expect(emitTargetOf('orders')).toEqual({ topic: 'orders', tag: undefined });
    expect(emitTargetOf('orders:paid')).toBe(emitTargetOf('orders:paid'));
    expect(emitTargetOf({ topic: 'orders', tags: 'paid' })).toEqual({ topic: 'orders', tag: 'paid' });
  });

  it('refuses several tags and unknown patterns, each time', () => {
    for (let i = 0; i < 2; i++) {
      expect(() => emitTargetOf('orders:a||b')).toThrow('has the tags a, b');
      expect(() => emitTargetOf('no topic')).toThrow('illegal characters');
    }
  });

  it('goes on when more patterns were used than it keeps', () => {
    for (let i = 0; i < 2_500; i++) expect(emitTargetOf(`t${i}`).topic).toBe(`t${i}`);
  });
});
