import { describe, expect, it } from 'vitest';
import { resolveBrokerNetwork } from './broker-network.js';

const nothing = { brokerIP1: '', bindAddress: '', namesrvAddresses: [] as string[] };

describe('resolveBrokerNetwork', () => {
  it('stays on loopback while the namesrv is embedded', () => {
    expect(resolveBrokerNetwork(nothing, ['192.0.2.7'])).toEqual({
      bindAddress: '127.0.0.1',
      advertisedIp: '127.0.0.1',
      warnings: [],
    });
  });

  it('stays on loopback with a namesrv on loopback', () => {
    const settings = { ...nothing, namesrvAddresses: ['127.0.0.1:9876', 'localhost:9877'] };
    expect(resolveBrokerNetwork(settings, ['192.0.2.7']).bindAddress).toBe('127.0.0.1');
  });

  it('opens up and advertises its own address with a namesrv elsewhere', () => {
    const network = resolveBrokerNetwork({ ...nothing, namesrvAddresses: ['192.0.2.1:9876'] }, ['192.0.2.7']);
    expect(network).toEqual({ bindAddress: '0.0.0.0', advertisedIp: '192.0.2.7', warnings: [] });
  });

  it('opens up when brokerIP1 is set, as the Java broker would', () => {
    const network = resolveBrokerNetwork({ ...nothing, brokerIP1: '192.0.2.9' }, ['192.0.2.7']);
    expect(network).toEqual({ bindAddress: '0.0.0.0', advertisedIp: '192.0.2.9', warnings: [] });
  });

  it('lets bindAddress decide, and advertises it when it names one address', () => {
    expect(resolveBrokerNetwork({ ...nothing, bindAddress: '192.0.2.8' }, ['192.0.2.7']).advertisedIp).toBe(
      '192.0.2.8',
    );
    expect(resolveBrokerNetwork({ ...nothing, bindAddress: '0.0.0.0' }, ['192.0.2.7']).advertisedIp).toBe('192.0.2.7');
  });

  it('warns of a loopback address that others are meant to reach', () => {
    const settings = { brokerIP1: '127.0.0.1', bindAddress: '', namesrvAddresses: ['192.0.2.1:9876'] };
    const { warnings } = resolveBrokerNetwork(settings, []);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('brokerIP1');
  });

  it.each(['172.17.0.2', '10.88.0.5'])('warns of the container address %s', (address) => {
    const { warnings } = resolveBrokerNetwork({ ...nothing, namesrvAddresses: ['192.0.2.1:9876'] }, [address]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(address);
  });
});
