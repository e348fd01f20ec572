import { MQAdmin } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../../test/support/child.js';
import { freePort } from '../../test/support/free-port.js';
import { BrokerProcess } from '../../test/support/rocknest-process.js';
import { waitFor } from '../../test/support/wait-for.js';
import { buildExample, lineOf, startExample } from './test/example-process.js';

interface OrderView {
  id: string;
  status: string;
  totalCents: number;
  confirmedAt?: string;
}

const ORDER = { customer: 'Ada', items: [{ sku: 'tea', quantity: 3, unitPriceCents: 450 }] };

let broker: BrokerProcess;
let service: Child;
let url: string;

/** The broker with its embedded namesrv, and the example, each the built output in a process of its own. */
beforeAll(async () => {
  buildExample();
  broker = await BrokerProcess.create();
  await broker.start();
  [service, url] = await startService();
}, 240_000);

afterAll(async () => {
  await service?.stop();
  await broker?.remove();
});

async function startService(): Promise<[Child, string]> {
  const child = startExample('main', { PORT: '0', NAMESRV_ADDR: broker.namesrvAddr });
  const [, address] = await lineOf(child, /POST and GET (http:\S+)\/orders/);
  return [child, address.replace('[::1]', 'localhost')];
}

async function post(body: unknown): Promise<{ status: number; body: OrderView & { message?: unknown } }> {
  const response = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as OrderView };
}

async function get(id: string): Promise<{ status: number; body: OrderView }> {
  const response = await fetch(`${url}/orders/${id}`);
  return { status: response.status, body: (await response.json()) as OrderView };
}

/** Messages of the topic, and those of them that the group of the example has not finished with. */
async function lag(): Promise<{ max: number; unhandled: number }> {
  const admin = new MQAdmin({ namesrvAddr: broker.namesrvAddr });
  await admin.start();
  try {
    let max = 0;
    let unhandled = 0;
    for (const { queue, maxOffset } of await admin.examineTopicStats('orders')) {
      max += maxOffset;
      unhandled += maxOffset - Math.max(0, await admin.consumerOffset('order-service', queue));
    }
    return { max, unhandled };
  } finally {
    await admin.shutdown();
  }
}

describe('order-service', () => {
  it('takes an order, and shows it confirmed once the consumer has handled it', async () => {
    const { status, body } = await post(ORDER);
    expect(status).toBe(202);
    expect(body).toMatchObject({ ...ORDER, totalCents: 1350 });
    await waitFor(async () => (await get(body.id)).body.status === 'confirmed', 'the order to be confirmed');
    const confirmed = (await get(body.id)).body;
    expect(confirmed).toMatchObject({ id: body.id, totalCents: 1350 });
    expect(Date.parse(confirmed.confirmedAt!)).toBeGreaterThan(0);
  });

  it.each([
    ['no items', { customer: 'Ada', items: [] }, 'items'],
    ['a quantity of nothing', { customer: 'Ada', items: [{ sku: 'tea', quantity: 0, unitPriceCents: 1 }] }, 'quantity'],
    ['an unknown field', { ...ORDER, discount: 1 }, 'discount'],
    ['no object', [], 'expected object'],
  ])('answers 400 to %s, and says what is wrong', async (_what, order, word) => {
    const { status, body } = await post(order);
    expect(status).toBe(400);
    expect(JSON.stringify(body.message)).toContain(word);
  });

  it('answers 404 to an order that nobody placed', async () => {
    expect((await get('nobody')).status).toBe(404);
  });

  it('SIGTERM under load ends it in order: what was accepted is handled, by this process or by the next', async () => {
    const accepted: string[] = [];
    let stopped = false;
    const load = Array.from({ length: 8 }, async () => {
      while (!stopped) {
        const answer = await post(ORDER).catch(() => undefined);
        if (answer?.status === 202) accepted.push(answer.body.id);
        else stopped = true;
      }
    });
    await waitFor(() => accepted.length >= 200, '200 accepted orders');
    const ending = service.kill('SIGTERM');
    await Promise.all(load);
    await ending;
    expect(service.tail()).toMatch(/SIGTERM: intake stopped/);
    expect(service.tail()).not.toMatch(/did not finish|shutdown of group .* failed|Error/);
    const sent = await lag();
    expect(sent.max).toBeGreaterThanOrEqual(accepted.length);
    [service, url] = await startService();
    await waitFor(async () => (await lag()).unhandled === 0, 'the next process to handle the rest');
  });
});

describe('npm run demo', () => {
  it('sends orders through producer and consumer and prints what arrived, with rates', async () => {
    const demo = startExample('demo', { ORDERS: '500', NAMESRV_ADDR: broker.namesrvAddr });
    expect(await demo.waitForExit(), demo.tail()).toBe(0);
    expect(demo.tail()).toMatch(/Sent +500 orders in .*\/s, each acknowledged/);
    expect(demo.tail()).toMatch(/Handled +500 orders in .*\/s/);
    expect(demo.tail()).toMatch(/Missing +0/);
  });

  it('says what to do when there is no bus', async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    const demo = startExample('demo', { NAMESRV_ADDR: nowhere });
    expect(await demo.waitForExit()).toBe(1);
    expect(demo.tail()).toContain(`No bus answers at ${nowhere}. Start one in another terminal with "npm start"`);
  });

  it('refuses a number of orders that is none', async () => {
    const demo = startExample('demo', { ORDERS: 'many', NAMESRV_ADDR: broker.namesrvAddr });
    expect(await demo.waitForExit()).toBe(1);
    expect(demo.tail()).toContain('ORDERS is "many"');
  });
});
