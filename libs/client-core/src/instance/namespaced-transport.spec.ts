import { RemotingCommand } from '@rocknest/protocol';
import type { EncodedRequest } from '@rocknest/remoting';
import { expect, it } from 'vitest';
import { NamespacedTransport } from './namespaced-transport.js';
import type { ClientTransport } from './transport.js';

it('puts the namespace into every request, and passes on what else is done', async () => {
  const calls: unknown[][] = [];
  const names = [
    'invoke',
    'invokeCallback',
    'invokeRequest',
    'invokeOneway',
    'registerHandler',
    'closeConnection',
    'close',
  ];
  const inner = Object.fromEntries(
    names.map((name) => [name, async (...parts: unknown[]) => void calls.push([name, ...parts])]),
  ) as unknown as ClientTransport;
  const transport = new NamespacedTransport(inner, 'shop');
  const request = (): RemotingCommand => RemotingCommand.request(10, { topic: 'orders' });
  const encoded = {} as EncodedRequest;
  const callback = (): void => undefined;
  await transport.invoke('a:1', request(), 5);
  transport.invokeCallback('a:1', request(), 6, callback);
  await transport.invokeOneway('a:1', request());
  transport.invokeRequest('a:1', encoded, 7);
  transport.registerHandler(40, callback);
  transport.closeConnection('a:1');
  await transport.close();

  const told = calls.map(([name, ...parts]) => [
    name,
    ...parts.map((part) => (part instanceof RemotingCommand ? { ...part.extFields } : part)),
  ]);
  const fields = { topic: 'orders', nsd: 'true', ns: 'shop' };
  expect(told).toEqual([
    ['invoke', 'a:1', fields, 5],
    ['invokeCallback', 'a:1', fields, 6, callback],
    ['invokeOneway', 'a:1', fields],
    ['invokeRequest', 'a:1', encoded, 7],
    ['registerHandler', 40, callback],
    ['closeConnection', 'a:1'],
    ['close'],
  ]);
});
