import { describe, expect, it } from 'vitest';
import { RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { NamesrvClient } from './namesrv-client.js';

type Behaviour = 'answers' | 'refuses' | 'hangs' | 'no route' | 'busy';

function harness(behaviours: Record<string, Behaviour>, random = () => 0.999_999) {
  const asked: string[] = [];
  const timeouts: number[] = [];
  const transport = {
    invoke: async (address: string, _command: RemotingCommand, timeoutMs: number): Promise<RemotingCommand> => {
      asked.push(address);
      timeouts.push(timeoutMs);
      const behaviour = behaviours[address];
      if (behaviour === 'refuses') throw new Error('refused');
      if (behaviour === 'hangs') throw new Error(`no answer within ${timeoutMs}`);
      if (behaviour === 'no route') return RemotingCommand.response(ResponseCode.TOPIC_NOT_EXIST);
      if (behaviour === 'busy') return RemotingCommand.response(ResponseCode.SYSTEM_BUSY);
      return RemotingCommand.response(ResponseCode.SUCCESS);
    },
  };
  const options = { addresses: Object.keys(behaviours), timeoutMs: 3_000, failoverTimeoutMs: 700, random };
  return { client: new NamesrvClient(transport, options), asked, timeouts, behaviours };
}

const command = (): RemotingCommand => RemotingCommand.request(RequestCode.GET_BROKER_CLUSTER_INFO);

describe('NamesrvClient', () => {
  it('stays with the namesrv that answers', async () => {
    const { client, asked } = harness({ a: 'answers', b: 'answers' });
    for (let i = 0; i < 3; i++) await client.invoke(command);
    expect(asked).toEqual(['a', 'a', 'a']);
  });

  it('goes on to the next one and stays there, in bounded time', async () => {
    const { client, asked, timeouts } = harness({ a: 'hangs', b: 'refuses', c: 'answers' });
    await client.invoke(command);
    await client.invoke(command);
    expect(asked).toEqual(['a', 'b', 'c', 'c']);
    expect(timeouts).toEqual([700, 700, 3_000, 700]);
  });

  it('gives a single namesrv all the time', async () => {
    const { client, timeouts } = harness({ a: 'answers' });
    await client.invoke(command);
    expect(timeouts).toEqual([3_000]);
  });

  it('comes back to one that has recovered when the others fail', async () => {
    const { client, asked, behaviours } = harness({ a: 'refuses', b: 'answers' });
    await client.invoke(command);
    behaviours['a'] = 'answers';
    behaviours['b'] = 'refuses';
    await client.invoke(command);
    expect(asked).toEqual(['a', 'b', 'b', 'a']);
    expect(client.currentAddress).toBe('a');
  });

  it('says who was asked and what happened when none answers', async () => {
    const { client } = harness({ a: 'refuses', b: 'hangs' });
    await expect(client.invoke(command)).rejects.toMatchObject({
      code: 'NAMESRV_UNREACHABLE',
      retriable: true,
      message: expect.stringMatching(/a: refused; b: no answer.*is one running at a;b\?/),
    });
  });

  it('takes the word of another namesrv for what one does not know, and stays where it was', async () => {
    const { client, asked } = harness({ a: 'no route', b: 'answers' });
    const response = await client.invoke(command, (answer) => answer.code === ResponseCode.SUCCESS);
    expect(response.code).toBe(ResponseCode.SUCCESS);
    expect(asked).toEqual(['a', 'b']);
  });

  it('returns "no route" when all say so', async () => {
    const { client } = harness({ a: 'no route', b: 'no route' });
    const response = await client.invoke(command, (answer) => answer.code === ResponseCode.SUCCESS);
    expect(response.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect(client.currentAddress).toBe('a');
  });

  it('leaves a namesrv that is busy', async () => {
    const { client, asked } = harness({ a: 'busy', b: 'answers' });
    await client.invoke(command);
    await client.invoke(command);
    expect(asked).toEqual(['a', 'b', 'b']);
  });

  it('asks for no second opinion where it would cost a time-out', async () => {
    const { client, asked, timeouts } = harness({ a: 'hangs', b: 'no route', c: 'no route' });
    const find = () => client.invoke(command, (answer) => answer.code === ResponseCode.SUCCESS);
    await find();
    await find();
    expect(asked).toEqual(['a', 'b', 'c', 'b', 'c']);
    expect(timeouts.every((timeoutMs) => timeoutMs === 700)).toBe(true);
  });

  it('shuffles the list', () => {
    const orders = new Set(
      Array.from({ length: 50 }, () =>
        harness({ a: 'answers', b: 'answers', c: 'answers' }, Math.random).client.addresses.join(),
      ),
    );
    expect(orders.size).toBeGreaterThan(1);
  });

  it('probes in rounds and gives up after the last', async () => {
    const dead = harness({ a: 'refuses' });
    await expect(dead.client.probe(command, 3, 0)).rejects.toMatchObject({ code: 'NAMESRV_UNREACHABLE' });
    expect(dead.asked).toHaveLength(3);
    const late = harness({ a: 'refuses' });
    const probing = late.client.probe(command, 100, 1);
    late.behaviours['a'] = 'answers';
    await probing;
    expect(late.asked.length).toBeLessThan(100);
  });
});
