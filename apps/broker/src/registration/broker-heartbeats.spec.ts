import { RemotingCommand, RequestCode } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { BrokerHeartbeats } from './broker-heartbeats.js';

describe('BrokerHeartbeats', () => {
  it('go to the namesrvs that are connected, until they are stopped', async () => {
    const beats: string[] = [];
    const client = {
      isConnected: (address: string) => address !== 'dead',
      invokeOneway: (address: string, { code }: RemotingCommand) => {
        expect(code).toBe(RequestCode.BROKER_HEARTBEAT);
        beats.push(address);
        return address === 'failing' ? Promise.reject(new Error('broken')) : Promise.resolve();
      },
    };
    const messages = { heartbeat: () => RemotingCommand.request(RequestCode.BROKER_HEARTBEAT) };
    const heartbeats = new BrokerHeartbeats(client, { addresses: ['alive', 'dead', 'failing'] }, messages);
    heartbeats.start(1);
    await waitFor(() => beats.length >= 6, 'three rounds');
    heartbeats.stop();
    expect(beats.slice(0, 4)).toEqual(['alive', 'failing', 'alive', 'failing']);
  });
});
