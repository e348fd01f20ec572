import { describe, expect, it } from 'vitest';
import { testMessage } from '../../test/fake-clients.js';
import { failureProperties, propertyText, readFailure } from './failure-reason.js';

const SEPARATORS = /[\u0001\u0002]/;
const AT = Date.UTC(2026, 0, 2);

describe('failureProperties', () => {
  it('say name, text, time and trace id, and are read again', () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const message = testMessage('t', '', { properties: { traceparent: `00-${trace}-00f067aa0ba902b7-01` } });
    const properties = failureProperties(new TypeError('no stock'), message, AT);
    expect(readFailure(properties!)).toEqual({
      name: 'TypeError',
      message: 'no stock',
      traceId: trace,
      at: new Date(AT),
    });
  });

  it.each<[string, unknown, string, string]>([
    ['a text', 'broken', 'string', 'broken'],
    ['nothing', undefined, 'undefined', 'undefined'],
    ['a plain object', { message: 'masked' }, 'Object', 'masked'],
    ['an error without a text', new Error(''), 'Error', ''],
  ])('take %s', (_, error, name, text) => {
    expect(readFailure(failureProperties(error, testMessage('t', ''), AT)!)).toMatchObject({ name, message: text });
  });

  it('prefer the trace id of the exception', () => {
    const error = Object.assign(new Error('x'), { traceId: 'mine' });
    expect(readFailure(failureProperties(error, testMessage('t', ''))!)?.traceId).toBe('mine');
  });

  it('never hold a separator, an empty value or more bytes than allowed', () => {
    const error = new Error(`a\u0001b\u0002c\n${'ß'.repeat(5_000)}\ud83d`);
    error.name = '\u0001';
    const properties = failureProperties(error, testMessage('t', ''))!;
    for (const value of Object.values(properties)) expect(value).not.toMatch(SEPARATORS);
    expect(Object.values(properties)).not.toContain('');
    expect(Buffer.byteLength(properties['rocknestFailureMessage'])).toBeLessThanOrEqual(1_024);
    expect(properties['rocknestFailureName']).toBe('Error');
  });

  it('are left out where the properties of the message have no room', () => {
    const message = testMessage('t', '', { properties: { big: 'x'.repeat(30_900) } });
    expect(failureProperties(new Error('x'.repeat(200)), message)).toBeUndefined();
  });
});

describe('propertyText', () => {
  it('cuts between characters', () => {
    expect(propertyText('aßß', 4)).toBe('aß');
    expect(propertyText('aßß', 5)).toBe('aßß');
    expect(propertyText('\u{1f600}\u{1f600}', 7)).toBe('\u{1f600}');
  });
});

describe('readFailure', () => {
  it('is undefined for a message without a failure, and stands wrong values', () => {
    expect(readFailure({})).toBeUndefined();
    expect(readFailure({ rocknestFailureName: 'X', rocknestFailureAt: 'yesterday' })).toEqual({
      name: 'X',
      message: '',
      traceId: undefined,
      at: undefined,
    });
  });
});
