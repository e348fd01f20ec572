import { decodeProperties } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { PropertyCompleter } from './property-completer.js';
import { emptyPropertyFacts, scanProperties } from './property-facts.js';

const completer = new PropertyCompleter({
  clusterName: 'DefaultCluster',
  regionId: 'DefaultRegion',
  traceOn: true,
  createUniqKey: () => 'MADE',
});
const OWN = { CLUSTER: 'DefaultCluster', MSG_REGION: 'DefaultRegion', TRACE_ON: 'true' };

function complete(text: string, edits?: Record<string, string | undefined>): Record<string, string> {
  const facts = emptyPropertyFacts();
  scanProperties(text, facts);
  const completed = completer.complete(text, facts, edits);
  expect(completed.endsWith('\u0002')).toBe(true);
  const properties = decodeProperties(completed);
  expect(properties['UNIQ_KEY']).toBe(facts.uniqKey);
  return properties;
}

describe('PropertyCompleter', () => {
  it('puts the broker’s properties behind those of the sender', () => {
    expect(complete('UNIQ_KEY\u0001K\u0002TAGS\u0001a\u0002')).toEqual({ UNIQ_KEY: 'K', TAGS: 'a', ...OWN });
  });

  it('adds a missing separator', () => {
    expect(complete('UNIQ_KEY\u0001K\u0002TAGS\u0001a')).toEqual({ UNIQ_KEY: 'K', TAGS: 'a', ...OWN });
  });

  it('makes an id for a message that has none', () => {
    expect(complete('')).toEqual({ UNIQ_KEY: 'MADE', ...OWN });
    expect(complete('TAGS\u0001a')).toEqual({ UNIQ_KEY: 'MADE', TAGS: 'a', ...OWN });
  });

  it('replaces what an earlier broker wrote, and takes POP_CK out', () => {
    const before = 'UNIQ_KEY\u0001K\u0002POP_CK\u0001x\u0002CLUSTER\u0001other\u0002TRACE_ON\u0001false\u0002';
    expect(complete(before)).toEqual({ UNIQ_KEY: 'K', ...OWN });
  });

  it('applies edits: properties to set, and to remove', () => {
    const completed = complete('UNIQ_KEY\u0001K\u0002DELAY\u000199\u0002TIMER_DELAY_SEC\u00015\u0002', {
      DELAY: '18',
      REAL_TOPIC: 't',
      TIMER_DELAY_SEC: undefined,
    });
    expect(completed).toEqual({ UNIQ_KEY: 'K', DELAY: '18', REAL_TOPIC: 't', ...OWN });
  });
});
