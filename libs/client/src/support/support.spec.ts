import { describe, expect, it } from 'vitest';
import { BrokerLinks } from './broker-links.js';
import { pickConnection, resolveConnection } from './connection.js';

describe('BrokerLinks', () => {
  it('is connected while one broker is, however often each is told', () => {
    const reports: string[] = [];
    const { onStatus } = new BrokerLinks((status) => reports.push(status));
    onStatus('connected', 'a');
    onStatus('connected', 'a');
    onStatus('connected', 'b');
    onStatus('disconnected', 'a');
    expect(reports).toEqual(['connected']);
    onStatus('disconnected', 'b');
    onStatus('disconnected', 'b');
    onStatus('connected', 'b');
    expect(reports).toEqual(['connected', 'disconnected', 'connected']);
  });
});

describe('the connection options that count', () => {
  it('own over inherited over environment over this machine; undefined is absent', () => {
    expect(resolveConnection({}, {}, {}).namesrvAddr).toBe('127.0.0.1:9876');
    expect(resolveConnection({}, {}, { NAMESRV_ADDR: 'env:1' }).namesrvAddr).toBe('env:1');
    expect(resolveConnection({ namesrvAddr: undefined }, { namesrvAddr: 'root:1' }, { NAMESRV_ADDR: 'env:1' })).toEqual(
      {
        namesrvAddr: 'root:1',
      },
    );
    expect(resolveConnection({ namesrvAddr: 'own:1' }, { namesrvAddr: 'root:1', unitName: 'u' }, {})).toEqual({
      namesrvAddr: 'own:1',
      unitName: 'u',
    });
  });

  it('are told from other options', () => {
    const options = { namesrvAddr: 'a:1', unitName: undefined, group: 'g', startAttempts: 2 };
    expect(pickConnection(options)).toEqual({ namesrvAddr: 'a:1', startAttempts: 2 });
  });
});
