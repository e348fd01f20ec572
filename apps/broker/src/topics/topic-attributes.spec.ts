import { describe, expect, it } from 'vitest';
import { alterAttributes } from './topic-attributes.js';

describe('alterAttributes', () => {
  it('sets and removes attributes', () => {
    expect(alterAttributes(undefined, '+message.type=DELAY,+reserve.time=3600')).toEqual({
      'message.type': 'DELAY',
      'reserve.time': '3600',
    });
    expect(alterAttributes({ 'message.type': 'DELAY' }, '-message.type')).toEqual({});
    expect(alterAttributes({ 'message.type': 'DELAY' }, undefined)).toEqual({ 'message.type': 'DELAY' });
  });

  it.each([
    ['message.type=NORMAL', 'form'],
    ['+message.type=ODD', 'no value'],
    ['+colour=red', 'unknown'],
    ['+constructor=x', 'unknown'],
    ['-message.type', 'while a topic is created'],
    ['+queue.type=BatchCQ', 'not supported'],
    ['+cleanup.policy=COMPACTION', 'not supported'],
  ])('refuses %s for a new topic', (text, why) => {
    expect(() => alterAttributes(undefined, text)).toThrow(why);
  });
});
