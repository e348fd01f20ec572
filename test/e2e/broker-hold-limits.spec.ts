import { ResponseCode } from '@rocknest/protocol';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { waitFor } from '../support/wait-for.js';

const MAX_PARKED = 3;

describe('the limit of pulls that wait for messages (item 8: maxParkedPulls)', () => {
  let cluster: RunningCluster;
  let client: BrokerClient;

  beforeAll(async () => {
    cluster = await startCluster({ broker: { maxParkedPulls: MAX_PARKED } });
    client = new BrokerClient(cluster.brokers[0].address);
  });

  afterAll(async () => {
    await client?.close();
    await cluster?.stop();
  });

  it('answers pulls past it at once, keeps those that wait, and takes others when there is room again', async () => {
    const topic = 'hold-limit';
    await client.send(topic, 'first');
    /** A pull behind the last message: what it is answered, unless it waits, as it does when later requests of its connection are answered before it. */
    const pull = async (from: BrokerClient) => {
      let reply: { code: number; nextBeginOffset?: number | undefined } | undefined;
      const waits = from.pull('holder', topic, 1, { subscription: '*', suspend: true, suspendTimeoutMillis: 30_000 });
      const ended = waits.then(
        (answer) => (reply = answer),
        () => undefined,
      );
      for (let n = 0; n < 3; n++) await from.send('other', 'x');
      return { refused: reply, ended };
    };
    const leaving = new BrokerClient(cluster.brokers[0].address);
    const gone = await pull(leaving);
    const parked = [await pull(client), await pull(client)];
    expect([gone, ...parked].map(({ refused }) => refused)).toEqual(
      Array.from({ length: MAX_PARKED }, () => undefined),
    );
    for (let n = 0; n < 20; n++) {
      expect((await pull(client)).refused).toMatchObject({ code: ResponseCode.PULL_NOT_FOUND, nextBeginOffset: 1 });
    }

    await leaving.close();
    await gone.ended;
    // The broker sees the end of that connection a moment later; then there is room for one more.
    const last = await waitFor(async () => {
      const asked = await pull(client);
      return asked.refused === undefined ? asked : undefined;
    }, 'a pull that waits');
    expect((await pull(client)).refused).toMatchObject({ code: ResponseCode.PULL_NOT_FOUND });
    await client.send(topic, 'second');
    for (const { ended } of [...parked, last]) expect(await ended).toMatchObject({ code: ResponseCode.SUCCESS });
  });
});
