import { Controller, type CallHandler, type NestInterceptor } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { AsyncLocalStorage } from 'node:async_hooks';
import { lastValueFrom, Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { ConcurrentConsumer, RocketMQClient, RocketMQContext, RocketMQServer } from '../src/index.js';
import { createMicroservice, startHybrid, startMicroservice } from './consumer-application.js';
import { FakeClientFactory, testMessage } from './fake-clients.js';

describe('Nest fact 5: extras reach the strategy, and the transport id may be a symbol', () => {
  const OTHER = Symbol('other cluster');

  @Controller()
  class Consumer {
    @EventPattern('with-extras', { group: 'from-extras', maxReconsumeTimes: 3, concurrency: 7 })
    one(@Payload() _data: unknown): void {}
    @ConcurrentConsumer({ topic: 'elsewhere', group: 'elsewhere', transport: OTHER })
    two(@Payload() _data: unknown): void {}
  }

  it('group and options come from the extras of a standard decorator', async () => {
    const { app, consumer } = await startMicroservice({ controllers: [Consumer] });
    expect(consumer('from-extras').options).toMatchObject({ maxReconsumeTimes: 3, concurrency: 7 });
    await app.close();
  });

  it('a handler of another transport id stays away', async () => {
    const { app, clients } = await startMicroservice({ controllers: [Consumer] });
    expect(clients.consumers.map((consumer) => consumer.options.group)).toEqual(['from-extras']);
    await app.close();
    const other = await startMicroservice({ controllers: [Consumer], server: { transportId: OTHER } });
    expect(other.clients.consumers.map((consumer) => consumer.options.group)).toContain('elsewhere');
    await other.app.close();
  });
});

describe('Nest fact 6: the doors for trace context and async local storage', () => {
  it('setOnDispatchHook: what it attaches travels in the properties and is read from the context', async () => {
    const clients = new FakeClientFactory();
    const client = new RocketMQClient({ clientFactory: clients });
    client.setOnDispatchHook((packet) => {
      packet.metadata = { traceparent: '00-1' };
    });
    await lastValueFrom(client.emit('orders', { id: 1 }));
    const sent = clients.producers[0].sent[0] as { properties: Record<string, string> };
    expect(sent.properties).toEqual({ traceparent: '00-1' });
    const context = new RocketMQContext([[testMessage('orders', {}, { properties: sent.properties })], 'g']);
    expect(context.getMetadata()['traceparent']).toBe('00-1');
  });

  it('processing hooks run around the handler, and a store they set is seen in it', async () => {
    const storage = new AsyncLocalStorage<string>();
    const journal: string[] = [];
    @Controller()
    class Consumer {
      @EventPattern('orders')
      async handle(@Payload() data: { fail?: boolean }): Promise<void> {
        await Promise.resolve();
        journal.push(`handle in ${storage.getStore()}`);
        if (data.fail) throw new Error('no');
      }
    }
    const { app, server, consumer } = await startMicroservice({ controllers: [Consumer] });
    server.setOnProcessingStartHook((transportId, context, done) =>
      storage.run(`${String(transportId)} ${(context as RocketMQContext).getTopic()}`, () => {
        journal.push('start');
        return done();
      }),
    );
    server.setOnProcessingEndHook(() => journal.push('end'));
    expect(await consumer().deliver(testMessage('orders', {}))).toBe('CONSUME_SUCCESS');
    expect(await consumer().deliver(testMessage('orders', { fail: true }))).toBe('RECONSUME_LATER');
    const handled = 'handle in Symbol(rocknest.transport) orders';
    expect(journal).toEqual(['start', handled, 'end', 'start', handled, 'end']);
    await app.close();
  });

  it('registerPreRequestHook sets up async local storage for guards and handler', async () => {
    const storage = new AsyncLocalStorage<string>();
    let seen: string | undefined;
    @Controller()
    class Consumer {
      @EventPattern('orders')
      handle(@Payload() _data: unknown): void {
        seen = storage.getStore();
      }
    }
    const { app, consumer } = await createMicroservice({ controllers: [Consumer] });
    app.registerPreRequestHook((context, next) => {
      const id = context.switchToRpc().getContext<RocketMQContext>().getMessageId();
      // The pipeline runs when it is subscribed to, so that must happen inside of the store.
      return new Observable((subscriber) => storage.run(id, () => next().subscribe(subscriber)));
    });
    await app.listen();
    const message = testMessage('orders', {});
    expect(await consumer().deliver(message)).toBe('CONSUME_SUCCESS');
    expect(seen).toBe(message.msgId);
    await app.close();
  });

  it('a handler does not inherit the async context of whoever made the connection', async () => {
    const storage = new AsyncLocalStorage<string>();
    let seen: string | undefined = 'not called';
    @Controller()
    class Consumer {
      @EventPattern('orders')
      handle(@Payload() _data: unknown): void {
        seen = storage.getStore();
      }
    }
    const { app, consumer } = await startMicroservice({ controllers: [Consumer] });
    await storage.run('of another request', () => consumer().deliver(testMessage('orders', {})));
    expect(seen).toBeUndefined();
    await app.close();
  });
});

describe('Nest fact 7: global enhancers of a hybrid application need inheritAppConfig', () => {
  @Controller()
  class Consumer {
    @EventPattern({ topic: 'orders' })
    handle(@Payload() _data: unknown, @Ctx() _context: RocketMQContext): void {}
  }

  it.each([
    [true, 1],
    [false, 0],
    [undefined, 0],
  ])('inheritAppConfig %s: the global interceptor runs %i times', async (inheritAppConfig, times) => {
    let calls = 0;
    const interceptor: NestInterceptor = {
      intercept(_context, next: CallHandler) {
        calls++;
        return next.handle();
      },
    };
    const { app, consumer } = await startHybrid({
      controllers: [Consumer],
      inheritAppConfig,
      configure: (application) => application.useGlobalInterceptors(interceptor),
    });
    expect(await consumer().deliver(testMessage('orders', {}))).toBe('CONSUME_SUCCESS');
    expect(calls).toBe(times);
    await app.close();
  });
});

describe('Nest fact 8: the types of @EventPattern', () => {
  it('the type checker asks for one parameter, and for no typed second one; at run time all work, and ours is free of it', async () => {
    let calls = 0;
    @Controller()
    class Consumer {
      // @ts-expect-error TS1241: this line fails the type check when Nest stops asking for a parameter.
      @EventPattern('without-parameters')
      handle(): void {
        calls++;
      }
      // @ts-expect-error TS1241: with a text pattern Nest 12 takes no typed second parameter either; an object pattern does.
      @EventPattern('typed-context')
      typed(@Payload() _data: unknown, @Ctx() _context: RocketMQContext): void {
        calls++;
      }
      @ConcurrentConsumer({ topic: 'ours' })
      ours(): void {
        calls++;
      }
      @ConcurrentConsumer({ topic: 'ours-typed' })
      oursTyped(@Payload() _data: unknown, @Ctx() _context: RocketMQContext): void {
        calls++;
      }
    }
    const { app, consumer } = await startMicroservice({ controllers: [Consumer] });
    for (const topic of ['without-parameters', 'typed-context', 'ours', 'ours-typed']) {
      expect(await consumer().deliver(testMessage(topic, {}))).toBe('CONSUME_SUCCESS');
    }
    expect(calls).toBe(4);
    await app.close();
  });
});

it('a strategy is made with nothing at all', () => {
  expect(() => new RocketMQServer()).not.toThrow();
});
