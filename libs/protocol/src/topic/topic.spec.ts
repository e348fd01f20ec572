import { describe, expect, it } from 'vitest';
import { isNotAllowedSendTopic, isSystemGroup, isSystemTopic, replyTopicOf } from './names.js';
import { isValidPerm, permText } from './perm-name.js';
import { validateGroup, validateTopic } from './validate.js';

describe('validateTopic and validateGroup', () => {
  it('take what RocketMQ takes', () => {
    for (const topic of ['a', 'A-b_9', '%RETRY%g', 'a|b', 'x'.repeat(127), `%DLQ%${'x'.repeat(250)}`]) {
      expect(validateTopic(topic)).toBeUndefined();
    }
    expect(validateGroup('g'.repeat(120))).toBeUndefined();
  });

  it.each([
    [undefined, 'The specified topic is blank.'],
    ['  ', 'The specified topic is blank.'],
    ['a b', 'The specified topic: a b, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$'],
    ['ä', 'The specified topic: ä, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$'],
    ['x'.repeat(128), `The specified topic: ${'x'.repeat(128)}, is longer than topic max length: 127`],
  ])('say what is wrong with %j', (topic, remark) => {
    expect(validateTopic(topic)).toBe(remark);
  });

  it('hold retry topics and groups to their own lengths', () => {
    expect(validateTopic(`%RETRY%${'x'.repeat(249)}`)).toMatch(
      /DLQ or Retry topic: .* longer than topic max length: 255/,
    );
    expect(validateGroup('g'.repeat(121))).toMatch(/longer than group max length: 120/);
    expect(validateGroup('')).toBe('The specified group is blank.');
    expect(validateGroup('a.b')).toMatch(/The specified group: a\.b, contains illegal characters/);
  });
});

describe('names', () => {
  it('tell the system from the user', () => {
    expect(['TBW102', 'rmq_sys_wheel_timer', 'SCHEDULE_TOPIC_XXXX'].every(isSystemTopic)).toBe(true);
    expect(isSystemTopic('orders')).toBe(false);
    expect(isNotAllowedSendTopic('SCHEDULE_TOPIC_XXXX')).toBe(true);
    expect(isNotAllowedSendTopic('TBW102')).toBe(false);
    expect(isSystemGroup('CID_RMQ_SYS_x')).toBe(true);
    expect(isSystemGroup('orders')).toBe(false);
    expect(replyTopicOf('c')).toBe('c_REPLY_TOPIC');
  });
});

describe('PermName', () => {
  it('prints and checks bits', () => {
    expect([0, 2, 4, 6, 7].map(permText)).toEqual(['---', '-W-', 'R--', 'RW-', 'RWX']);
    expect([0, 7, 8, -1, 1.5].map(isValidPerm)).toEqual([true, true, false, false, false]);
  });
});
