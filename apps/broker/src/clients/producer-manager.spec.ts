import type { Connection } from '@rocknest/remoting';
import { describe, expect, it } from 'vitest';
import type { ClientChannelInfo } from './client-channel-info.js';
import { ProducerManager } from './producer-manager.js';

function fakeConnection(state: { closed?: boolean; writable?: boolean } = {}): Connection {
  return { closed: false, writable: true, close: () => undefined, ...state } as unknown as Connection;
}

function producer(clientId: string, connection = fakeConnection(), lastUpdateMs = 0): ClientChannelInfo {
  return { connection, clientId, language: 'JAVA', version: 479, lastUpdateMs };
}

function fixture(): { producers: ProducerManager; now: { ms: number } } {
  const now = { ms: 0 };
  return {
    producers: new ProducerManager({ maxGroups: 2, channelExpiredTimeoutMs: 120_000, clock: () => now.ms }),
    now,
  };
}

describe('ProducerManager', () => {
  it('finds a client by its id until it leaves its last group', () => {
    const { producers } = fixture();
    const a = producer('a');
    producers.register('g', a);
    producers.register('h', a);
    producers.unregister('g', a.connection);
    expect(producers.findChannel('a')).toBe(a.connection);
    producers.unregister('h', a.connection);
    expect(producers.findChannel('a')).toBeUndefined();
    expect(producers.all().size).toBe(0);
  });

  it('keeps a client that came back on another connection', () => {
    const { producers } = fixture();
    const [before, after] = [producer('a'), producer('a')];
    producers.register('g', before);
    producers.register('g', after);
    producers.connectionClosed(before.connection);
    expect(producers.findChannel('a')).toBe(after.connection);
  });

  it('gives members out in turn, those that can be written to first', () => {
    const { producers } = fixture();
    const [full, free, gone] = [
      fakeConnection({ writable: false }),
      fakeConnection(),
      fakeConnection({ closed: true }),
    ];
    for (const [i, connection] of [full, free, gone].entries()) producers.register('g', producer(`c${i}`, connection));
    for (let i = 0; i < 4; i++) expect(producers.availableChannel('g')).toBe(free);
    producers.connectionClosed(free);
    expect(producers.availableChannel('g')).toBe(full);
    expect(producers.availableChannel('unknown')).toBeUndefined();
  });

  it('drops producers without a heartbeat', () => {
    const { producers, now } = fixture();
    producers.register('g', producer('a'));
    now.ms = 120_001;
    producers.scanNotActiveChannels();
    expect(producers.all().size).toBe(0);
  });

  it('refuses groups beyond its limit', () => {
    const { producers } = fixture();
    producers.register('g', producer('a'));
    producers.register('h', producer('a'));
    expect(() => producers.register('i', producer('a'))).toThrow('maxClientGroups');
  });
});
