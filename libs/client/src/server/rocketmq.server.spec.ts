import { Controller, Injectable, Scope } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { createMicroservice, GROUP, startMicroservice } from '../../test/consumer-application.js';
import { FakeClientFactory, testMessage } from '../../test/fake-clients.js';
import { ConcurrentConsumer, RocketMQContext, RocketMQModule, RocketMQServer } from '../index.js';

interface Order {
  id: number;
}

/** A promise that the test ends. */
function gatedHandler() {
  const running: { id: number; finish: () => void; fail: (error: Error) => void }[] = [];
  return {
    running,
    handle: (order: Order) => new Promise<void>((finish, fail) => running.push({ id: order.id, finish, fail })),
  };
}

describe('RocketMQServer: from handlers to consumers', () => {
  it('one consumer for each group, with all its topics, and messages find their handler by topic and tag', async () => {
    const seen: string[] = [];
    @Controller()
    class Orders {
      @EventPattern('orders:created')
      created(@Payload() order: Order): void {
        seen.push(`created ${order.id}`);
      }
      @MessagePattern({ topic: 'orders', tags: 'paid || refunded' })
      money(@Payload() order: Order, @Ctx() context: RocketMQContext): void {
        seen.push(`${context.getTags()} ${order.id}`);
      }
      @ConcurrentConsumer({ topic: 'stock' })
      stock(@Payload() order: Order): void {
        seen.push(`stock ${order.id}`);
      }
    }
    const { app, clients, consumer } = await startMicroservice({ controllers: [Orders] });
    expect(clients.consumers).toHaveLength(1);
    expect(Object.fromEntries(consumer().subscriptions)).toEqual({ orders: 'created || paid || refunded', stock: '*' });
    for (const [topic, tags, id] of [
      ['orders', 'created', 1],
      ['orders', 'refunded', 2],
      ['stock', undefined, 3],
      ['stock', 'whatever', 4],
    ] as const) {
      expect(await consumer().deliver(testMessage(topic, { id }, { tags }))).toBe('CONSUME_SUCCESS');
    }
    expect(seen).toEqual(['created 1', 'refunded 2', 'stock 3', 'stock 4']);
    await app.close();
  });

  it('a message that no handler takes is not lost: it comes again, and the log says why', async () => {
    @Controller()
    class Orders {
      @EventPattern('orders:created')
      created(@Payload() _order: Order): void {}
    }
    const { app, consumer, logger } = await startMicroservice({ controllers: [Orders] });
    expect(await consumer().deliver(testMessage('orders', {}, { tags: 'removed' }))).toBe('RECONSUME_LATER');
    expect(await consumer().deliver(testMessage('elsewhere', {}))).toBe('RECONSUME_LATER');
    expect(logger.having('no handler of group test-group takes message')).toHaveLength(2);
    await app.close();
  });

  it('a body that can not be read is a failure, not an acknowledgement', async () => {
    @Controller()
    class Orders {
      @ConcurrentConsumer({ topic: 'orders', deserializer: 'json' })
      handle(@Payload() _order: Order): void {}
    }
    const { app, consumer, logger } = await startMicroservice({ controllers: [Orders] });
    expect(await consumer().deliver(testMessage('orders', '{half'))).toBe('RECONSUME_LATER');
    expect(logger.having('Orders.handle failed on message')[0]).toContain('of topic "orders" is not JSON');
    await app.close();
  });

  it('a batch handler gets arrays, and what follows another handler`s message goes back', async () => {
    const batches: number[][] = [];
    @Controller()
    class Orders {
      @ConcurrentConsumer({ topic: 'orders', tags: 'a', batch: { maxMessages: 8 } })
      handle(@Payload() orders: Order[], @Ctx() context: RocketMQContext): void {
        batches.push(orders.map(({ id }) => id));
        expect(context.getMessages()).toHaveLength(orders.length);
        if (orders.some(({ id }) => id < 0)) throw new Error('bad one');
      }
    }
    const { app, consumer } = await startMicroservice({ controllers: [Orders] });
    expect(consumer().options.consumeMessageBatchMaxSize).toBe(8);
    const of = (id: number, tags = 'a') => testMessage('orders', { id }, { tags });
    expect(await consumer().deliver(of(1), of(2))).toBe('CONSUME_SUCCESS');
    expect(await consumer().deliver(of(3), of(4), of(5, 'stale'), of(6))).toBe('CONSUME_SUCCESS:1');
    expect(await consumer().deliver(of(7), of(-1))).toBe('RECONSUME_LATER');
    expect(batches).toEqual([
      [1, 2],
      [3, 4],
      [7, -1],
    ]);
    await app.close();
  });

  it('a handler never runs more often at once than its concurrency', async () => {
    const { running, handle } = gatedHandler();
    @Controller()
    class Orders {
      @ConcurrentConsumer({ topic: 'orders', concurrency: 2 })
      handle(@Payload() order: Order): Promise<void> {
        return handle(order);
      }
      @ConcurrentConsumer({ topic: 'other', concurrency: 3 })
      other(@Payload() _order: Order): void {}
    }
    const { app, consumer } = await startMicroservice({ controllers: [Orders] });
    expect(consumer().options.concurrency).toBe(5);
    const deliveries = [1, 2, 3].map((id) => consumer().deliver(testMessage('orders', { id })));
    await waitFor(() => running.length === 2);
    running[0].finish();
    await waitFor(() => running.length === 3);
    expect(running.map(({ id }) => id)).toEqual([1, 2, 3]);
    for (const { finish } of running) finish();
    expect(await Promise.all(deliveries)).toEqual(['CONSUME_SUCCESS', 'CONSUME_SUCCESS', 'CONSUME_SUCCESS']);
    await app.close();
  });

  it('request-scoped controllers work', async () => {
    let instances = 0;
    @Injectable({ scope: Scope.REQUEST })
    class PerMessage {
      readonly number = ++instances;
    }
    @Controller()
    class Orders {
      constructor(private readonly perMessage: PerMessage) {}
      @EventPattern('orders')
      handle(@Payload() order: Order): void {
        if (order.id !== this.perMessage.number) throw new Error('not mine');
      }
    }
    const { app, consumer } = await startMicroservice({ controllers: [Orders], providers: [PerMessage] });
    expect(await consumer().deliver(testMessage('orders', { id: 1 }))).toBe('CONSUME_SUCCESS');
    expect(await consumer().deliver(testMessage('orders', { id: 2 }))).toBe('CONSUME_SUCCESS');
    expect(await consumer().deliver(testMessage('orders', { id: 2 }))).toBe('RECONSUME_LATER');
    await app.close();
  });
});

describe('RocketMQServer: boot', () => {
  @Controller()
  class Orders {
    @EventPattern('orders')
    handle(@Payload() _order: Order): void {}
  }

  it('status, unwrap and on', async () => {
    const { app, server, consumer } = await startMicroservice({ controllers: [Orders] });
    expect(await firstValueFrom(server.status)).toBe('connected');
    expect(server.unwrap().get(GROUP)).toBe(consumer());
    expect(() => server.on()).toThrow('observe `status`');
    await app.close();
    expect(await firstValueFrom(server.status)).toBe('disconnected');
  });

  it('a handler without a group stops the boot, named even when its decorator is Nest`s', async () => {
    const { app } = await createMicroservice({
      controllers: [Orders],
      imports: [RocketMQModule.forRoot()],
      server: { group: undefined },
    });
    await expect(app.listen()).rejects.toThrow('Orders.handle: the handler of topic "orders" has no consumer group');
    await app.close();
  });

  it('without RocketMQModule a handler is named by its pattern', async () => {
    const { app } = await createMicroservice({ controllers: [Orders], server: { group: undefined } });
    await expect(app.listen()).rejects.toThrow('the handler of pattern "orders": the handler of topic');
    await app.close();
  });

  it('takes the connection from RocketMQModule, unless it has its own', async () => {
    const imports = [RocketMQModule.forRoot({ namesrvAddr: '10.0.0.1:9876', instanceName: 'app', namespace: 'shop' })];
    const inherited = await startMicroservice({ controllers: [Orders], imports });
    expect(inherited.consumer().options).toMatchObject({
      namesrvAddr: '10.0.0.1:9876',
      instanceName: 'app',
      namespace: 'shop',
    });
    await inherited.app.close();
    const own = await startMicroservice({ controllers: [Orders], imports, server: { namesrvAddr: '10.0.0.2:9876' } });
    expect(own.consumer().options).toMatchObject({ namesrvAddr: '10.0.0.2:9876', instanceName: 'app' });
    await own.app.close();
  });

  it('when one group can not start, listen fails and those that did start are shut down', async () => {
    @Controller()
    class Two {
      @ConcurrentConsumer({ topic: 'a', group: 'good' })
      good(@Payload() _order: Order): void {}
      @ConcurrentConsumer({ topic: 'a', group: 'bad' })
      bad(@Payload() _order: Order): void {}
    }
    const clients = new FakeClientFactory();
    clients.onConsumer = (consumer) => {
      if (consumer.options.group === 'bad') consumer.startWork = () => Promise.reject(new Error('no namesrv answered'));
    };
    const { app, consumer } = await createMicroservice({ controllers: [Two], clients });
    await expect(app.listen()).rejects.toThrow('no namesrv answered');
    expect(consumer('good').isShutDown).toBe(true);
    await app.close();
  });

  it('an application without handlers for it boots, with a warning', async () => {
    const { app, logger } = await startMicroservice({});
    expect(logger.having('no handler of this application belongs to RocketMQ')).toHaveLength(1);
    await app.close();
  });

  it('refuses options that can not be', () => {
    expect(() => new RocketMQServer({ drainTimeoutMs: -1 })).toThrow('drainTimeoutMs is -1');
  });
});

describe('RocketMQServer: shutdown', () => {
  function slowController() {
    const gated = gatedHandler();
    @Controller()
    class Orders {
      @ConcurrentConsumer({ topic: 'orders', concurrency: 1 })
      handle(@Payload() order: Order): Promise<void> {
        return gated.handle(order);
      }
    }
    return { ...gated, Orders };
  }

  it('stops the intake, waits for what runs, and shuts down (commits) last; what had not begun is not consumed', async () => {
    const { running, Orders } = slowController();
    const { app, clients, consumer } = await startMicroservice({ controllers: [Orders] });
    const first = consumer().deliver(testMessage('orders', { id: 1 }));
    const second = consumer().deliver(testMessage('orders', { id: 2 }));
    await waitFor(() => running.length === 1);
    const closed = app.close();
    await waitFor(() => consumer().intakeStopped);
    expect(await second).toBe('NOT_CONSUMED');
    expect(consumer().isShutDown).toBe(false);
    running[0].finish();
    expect(await first).toBe('CONSUME_SUCCESS');
    await closed;
    expect(running).toHaveLength(1);
    expect(clients.journal.slice(-2)).toEqual([`stopIntake ${GROUP}`, `shutdown ${GROUP}`]);
  });

  it('gives up waiting when the budget is used up, and says what is left', async () => {
    const { running, Orders } = slowController();
    const { app, consumer, logger } = await startMicroservice({ controllers: [Orders], server: { drainTimeoutMs: 5 } });
    void consumer().deliver(testMessage('orders', { id: 1 }));
    await waitFor(() => running.length === 1);
    await app.close();
    expect(consumer().isShutDown).toBe(true);
    expect(
      logger.having('1 handlers of group test-group did not finish within 5 ms; their messages are not acknowledged'),
    ).toHaveLength(1);
  });

  it('a close during listen waits for the start and leaves nothing running', async () => {
    const { Orders } = slowController();
    const clients = new FakeClientFactory();
    let started!: () => void;
    clients.onConsumer = (consumer) => (consumer.startWork = () => new Promise((resolve) => (started = resolve)));
    const { app, server, consumer } = await createMicroservice({ controllers: [Orders], clients });
    const listening = app.listen();
    await waitFor(() => clients.consumers.length === 1);
    const closed = server.close();
    await Promise.resolve();
    expect(consumer().intakeStopped).toBe(true);
    expect(consumer().isShutDown).toBe(false);
    started();
    await Promise.all([listening, closed]);
    expect(consumer().isShutDown).toBe(true);
    await app.close();
  });

  it('stopIntake() alone ends nothing that runs', async () => {
    const { running, Orders } = slowController();
    const { app, server, consumer } = await startMicroservice({ controllers: [Orders] });
    const delivery = consumer().deliver(testMessage('orders', { id: 1 }));
    await waitFor(() => running.length === 1);
    server.stopIntake('SIGTERM');
    server.stopIntake('SIGTERM');
    expect(consumer().isShutDown).toBe(false);
    running[0].finish();
    expect(await delivery).toBe('CONSUME_SUCCESS');
    await app.close();
  });
});
