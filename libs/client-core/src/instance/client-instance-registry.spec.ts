import { describe, expect, it } from 'vitest';
import { silentLogger } from '../logger.js';
import { resolveClientOptions, type ClientOptions } from '../options.js';
import { buildClientId } from './client-id.js';
import { ClientInstanceRegistry } from './client-instance-registry.js';
import type { InstanceConsumer, InstanceProducer } from './client-members.js';
import type { ClientTransport } from './transport.js';

function harness() {
  const closed: number[] = [];
  let opened = 0;
  const registry = new ClientInstanceRegistry(() => {
    const id = opened++;
    return { registerHandler: () => {}, close: async () => void closed.push(id) } as unknown as ClientTransport;
  });
  const options = (changes: ClientOptions = {}) =>
    resolveClientOptions({ namesrvAddr: 'n:1', clientIp: '10.0.0.1', logger: silentLogger, ...changes }, {});
  return { registry, options, closed };
}

const producer = (group: string): { producer: InstanceProducer } => ({ producer: { group } as InstanceProducer });
const consumer = (group: string): { consumer: InstanceConsumer } => ({ consumer: { group } as InstanceConsumer });

describe('ClientInstanceRegistry', () => {
  it('gives everyone one instance, and a further one for a second member of a group', () => {
    const { registry, options } = harness();
    const first = registry.acquire(options(), producer('p'));
    expect(registry.acquire(options(), consumer('g'))).toBe(first);
    expect(registry.acquire(options({ shutdownTimeoutMs: 1 }), {})).toBe(first);
    const second = registry.acquire(options(), consumer('g'));
    expect(second).not.toBe(first);
    expect(registry.acquire(options(), producer('p'))).toBe(second);
    expect(second.clientId).not.toBe(first.clientId);
    expect(first.clientId).toMatch(/^10\.0\.0\.1@\d+#\d+/);
  });

  it('keeps clients of another namespaceV2 apart, which one instance has one of', () => {
    const { registry, options } = harness();
    const first = registry.acquire(options({ namespaceV2: 'shop' }), {});
    expect(registry.acquire(options({ namespaceV2: 'shop' }), {})).toBe(first);
    expect(registry.acquire(options(), {})).not.toBe(first);
    registry.acquire(options({ instanceName: 'one', namespaceV2: 'shop' }), {});
    const other = options({ instanceName: 'one', namespaceV2: 'store' });
    expect(() => registry.acquire(other, {})).toThrow(
      '10.0.0.1@one of this process has namespaceV2 "shop", not "store"',
    );
  });

  it('keeps clients of other namesrvs or settings apart', () => {
    const { registry, options } = harness();
    const first = registry.acquire(options(), {});
    expect(registry.acquire(options({ namesrvAddr: 'm:1' }), {})).not.toBe(first);
    expect(registry.acquire(options({ unitName: 'u' }), {})).not.toBe(first);
    expect(registry.acquire(options({ heartbeatIntervalMs: 10 }), {})).not.toBe(first);
  });

  it('shares a name once for each group', () => {
    const { registry, options } = harness();
    const named = options({ instanceName: 'i', unitName: 'u' });
    const first = registry.acquire(named, consumer('g'));
    expect(first.clientId).toBe('10.0.0.1@i@u');
    expect(registry.acquire(named, consumer('h'))).toBe(first);
    expect(() => registry.acquire(named, consumer('g'))).toThrow(/has a consumer of group g already/);
    expect(registry.acquire(named, producer('g'))).toBe(first);
  });

  it('closes an instance when its last user has gone', async () => {
    const { registry, options, closed } = harness();
    const [one, two] = [producer('p'), consumer('g')];
    const instance = registry.acquire(options(), one);
    registry.acquire(options(), two);
    await registry.release(instance, one);
    expect(closed).toEqual([]);
    await registry.release(instance, two);
    expect(closed).toEqual([0]);
    expect(registry.size).toBe(0);
    expect(registry.acquire(options(), one)).not.toBe(instance);
  });

  it('builds client ids as tools expect them', () => {
    expect(buildClientId('1.2.3.4', 'x', undefined)).toBe('1.2.3.4@x');
    expect(buildClientId('1.2.3.4', 'x', 'unit')).toBe('1.2.3.4@x@unit');
  });
});

describe('resolveClientOptions', () => {
  it('takes the namesrvs of the environment when none are given', () => {
    expect(resolveClientOptions({}, { NAMESRV_ADDR: 'a:1;b:2' }).namesrvAddresses).toEqual(['a:1', 'b:2']);
    expect(() => resolveClientOptions({}, {})).toThrow(/NAMESRV_ADDR/);
  });

  it.each<[ClientOptions, RegExp]>([
    [{ heartbeatIntervalMs: 0 }, /heartbeatIntervalMs is 0/],
    [{ startAttempts: 1.5 }, /startAttempts is 1.5/],
    [{ instanceName: 'a@b' }, /instanceName is "a@b"/],
    [{ unitName: '' }, /unitName/],
    [{ serializeType: 'XML' as 'JSON' }, /serializeType is "XML"/],
  ])('refuses %j', (options, message) => {
    expect(() => resolveClientOptions({ namesrvAddr: 'a:1', ...options }, {})).toThrow(message);
  });
});
