import type { TopicConfig } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import type { PutTarget } from './put-gate.js';
import { TargetTable } from './target-table.js';

function target(topic: string): PutTarget {
  return { topic, config: { topicName: topic } as TopicConfig, retryGroup: undefined, queueIdLimit: 4 };
}

describe('TargetTable', () => {
  it('finds each of many topics by its bytes, and none that was forgotten', () => {
    const table = new TargetTable();
    // Aa and BB have the same hash.
    const names = ['Aa', 'BB', 'AaAa', 'BBBB', 'AaBB', ...Array.from({ length: 40_000 }, (_, i) => `Topic-${i}`)];
    for (const name of names) table.remember(target(name));
    const find = (name: string): string | undefined => {
      const bytes = Buffer.from(`<<${name}>>`);
      return table.find(bytes, 2, bytes.length - 2)?.topic;
    };
    for (const name of names) expect(find(name)).toBe(name);
    expect(find('Bb')).toBeUndefined();
    table.forget('AaAa');
    expect(find('AaAa')).toBeUndefined();
    expect(find('BBBB')).toBe('BBBB');
  });

  it('takes the newer of two targets of one topic', () => {
    const table = new TargetTable();
    table.remember(target('Orders'));
    const newer = target('Orders');
    table.remember(newer);
    expect(table.find(Buffer.from('Orders'), 0, 6)).toBe(newer);
  });
});
