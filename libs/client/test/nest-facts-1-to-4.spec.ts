import {
  BadRequestException,
  Controller,
  Injectable,
  UseFilters,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { BaseRpcContext, BaseRpcExceptionFilter, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { delay, lastValueFrom, of, tap, throwError, timer, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  ConcurrentConsumer,
  RocketMQContext,
  RocketMQException,
  RocketMQExceptionFilter,
  RocketMQModule,
} from '../src/index.js';
import { createMicroservice, startHybrid, startMicroservice } from './consumer-application.js';
import { FakeClientFactory, testMessage } from './fake-clients.js';

/**
 * What Nest does behind a transport strategy's back, one block for each. A Nest upgrade that changes one of these shows here.
 */
describe('Nest fact 1: exceptions are masked before the transport sees them', () => {
  class Rejected extends RocketMQException {}

  @Controller()
  class Consumer {
    @EventPattern('plain')
    plain(@Payload() _data: unknown): void {
      throw new BadRequestException('secret');
    }
    @EventPattern('whole')
    whole(@Payload() _data: unknown): void {
      throw new Rejected('seen by the transport');
    }
  }

  @Controller()
  @UseFilters(RocketMQExceptionFilter)
  class Filtered {
    @EventPattern('filtered')
    filtered(@Payload() _data: unknown): void {
      throw new RangeError('the original');
    }
  }

  it('not those of this transport, which come as they are', async () => {
    const { app, consumer, logger } = await startMicroservice({ controllers: [Consumer] });
    expect(await consumer().deliver(testMessage('plain', {}))).toBe('RECONSUME_LATER');
    expect(logger.having('BadRequestException: secret')).toHaveLength(1);
    await app.close();
  });

  it('but those of other transports, as before', async () => {
    const host = new ExecutionContextHost([{}, new BaseRpcContext([])]);
    const masked = await lastValueFrom(new BaseRpcExceptionFilter().catch(new RangeError('secret'), host)).catch(
      (error: unknown) => error,
    );
    expect(masked).toEqual({ status: 'error', message: 'Internal server error' });
  });

  it('an RpcException whose getError() returns itself arrives whole', async () => {
    const { app, consumer, logger } = await startMicroservice({ controllers: [Consumer] });
    expect(await consumer().deliver(testMessage('whole', {}))).toBe('RECONSUME_LATER');
    expect(logger.having('Rejected: seen by the transport')).toHaveLength(1);
    await app.close();
  });

  it('RocketMQExceptionFilter passes the original through', async () => {
    const { app, consumer, logger } = await startMicroservice({ controllers: [Filtered] });
    expect(await consumer().deliver(testMessage('filtered', {}))).toBe('RECONSUME_LATER');
    expect(logger.having('RangeError: the original')).toHaveLength(1);
    await app.close();
  });
});

describe('Nest fact 2: two handlers of one pattern overwrite each other or are chained', () => {
  it('duplicate @MessagePattern stops the boot, naming both', async () => {
    @Controller()
    class Consumer {
      @MessagePattern('orders')
      first(@Payload() _data: unknown): void {}
      @MessagePattern('orders')
      second(@Payload() _data: unknown): void {}
    }
    const { app, clients } = await createMicroservice({ controllers: [Consumer], imports: [RocketMQModule.forRoot()] });
    await expect(app.listen()).rejects.toThrow(
      /Consumer\.first and Consumer\.second both handle topic "orders" \(all tags\) for consumer group "test-group".*another group.*tags/s,
    );
    expect(clients.consumers).toHaveLength(0);
    await app.close();
  });

  it('duplicate @EventPattern stops the boot too, instead of chaining', async () => {
    @Controller()
    class One {
      @EventPattern({ topic: 'orders', tags: 'paid' })
      onPaid(@Payload() _data: unknown): void {}
    }
    @Controller()
    class Two {
      @ConcurrentConsumer({ topic: 'orders', tags: ['created', 'paid'] })
      onOrder(@Payload() _data: unknown): void {}
    }
    const { app } = await createMicroservice({ controllers: [One, Two], imports: [RocketMQModule.forRoot()] });
    await expect(app.listen()).rejects.toThrow(/One\.onPaid and Two\.onOrder both handle topic "orders" \(tag paid\)/);
    await app.close();
  });

  it('one topic for two groups gives each group every message', async () => {
    const seen: string[] = [];
    @Controller()
    class Consumer {
      @ConcurrentConsumer({ topic: 'orders', group: 'billing' })
      bill(@Payload() data: { id: number }): void {
        seen.push(`billing ${data.id}`);
      }
      @ConcurrentConsumer({ topic: 'orders', group: 'shipping' })
      ship(@Payload() data: { id: number }): void {
        seen.push(`shipping ${data.id}`);
      }
    }
    const { app, consumer } = await startMicroservice({ controllers: [Consumer] });
    expect(await consumer('billing').deliver(testMessage('orders', { id: 1 }))).toBe('CONSUME_SUCCESS');
    expect(await consumer('shipping').deliver(testMessage('orders', { id: 1 }))).toBe('CONSUME_SUCCESS');
    expect(seen).toEqual(['billing 1', 'shipping 1']);
    await app.close();
  });
});

describe('Nest fact 3: the base class does not await an event handler', () => {
  @Controller()
  class Consumer {
    static finished = 0;
    @EventPattern('late-failure')
    lateFailure(@Payload() _data: unknown): Observable<unknown> {
      return timer(1).pipe(
        tap(() => {
          throw new RocketMQException('after a while');
        }),
      );
    }
    @EventPattern('late-success')
    lateSuccess(@Payload() _data: unknown): Observable<unknown> {
      return of(1, 2, 3).pipe(delay(1), tap({ complete: () => Consumer.finished++ }));
    }
    @EventPattern('promise-of-observable')
    async promised(@Payload() _data: unknown): Promise<Observable<never>> {
      return throwError(() => new RocketMQException('inside'));
    }
    @EventPattern('rejection')
    async rejected(@Payload() _data: unknown): Promise<void> {
      await Promise.resolve();
      throw new RocketMQException('rejected');
    }
  }

  it('a message is acknowledged when the Observable has completed, and comes again when it fails', async () => {
    const { app, consumer, server } = await startMicroservice({ controllers: [Consumer] });
    expect(server.propagatesEventHandlerErrors).toBe(true);
    expect(await consumer().deliver(testMessage('late-success', {}))).toBe('CONSUME_SUCCESS');
    expect(Consumer.finished).toBe(1);
    expect(await consumer().deliver(testMessage('late-failure', {}))).toBe('RECONSUME_LATER');
    expect(await consumer().deliver(testMessage('promise-of-observable', {}))).toBe('RECONSUME_LATER');
    expect(await consumer().deliver(testMessage('rejection', {}))).toBe('RECONSUME_LATER');
    await app.close();
  });

  it('nothing is acknowledged while the promise of a handler is pending', async () => {
    let release!: () => void;
    @Controller()
    class Slow {
      @EventPattern('slow')
      slow(@Payload() _data: unknown): Promise<void> {
        return new Promise((resolve) => (release = resolve));
      }
    }
    const { app, consumer } = await startMicroservice({ controllers: [Slow] });
    let outcome: unknown = 'pending';
    const delivery = consumer().deliver(testMessage('slow', {}));
    void delivery.then((result) => (outcome = result));
    await new Promise(setImmediate);
    expect(outcome).toBe('pending');
    release();
    expect(await delivery).toBe('CONSUME_SUCCESS');
    await app.close();
  });

  it('handleEvent() itself waits and rejects', async () => {
    const { app, server } = await startMicroservice({ controllers: [Consumer] });
    const context = new RocketMQContext([[testMessage('late-failure', {})], 'g']);
    const packet = { pattern: 'late-failure', data: {} };
    await expect(server.handleEvent('late-failure', packet, context)).rejects.toThrow('after a while');
    await expect(server.handleEvent('nobody', packet, context)).rejects.toThrow(
      'there is no handler of pattern "nobody"',
    );
    await app.close();
  });
});

describe('Nest fact 4: the order in which things close differs', () => {
  /** A user's provider whose hooks go into the journal. */
  function journalling(journal: string[]) {
    @Injectable()
    class UserHooks implements OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown {
      onModuleDestroy(): void {
        journal.push('user onModuleDestroy');
      }
      beforeApplicationShutdown(): void {
        journal.push('user beforeApplicationShutdown');
      }
      onApplicationShutdown(): void {
        journal.push('user onApplicationShutdown');
      }
    }
    return UserHooks;
  }

  @Controller()
  class Consumer {
    @EventPattern('orders')
    handle(@Payload() _data: unknown): void {}
  }

  it('close() of a standalone microservice closes the transport first, producers last', async () => {
    const clients = new FakeClientFactory();
    const imports = [RocketMQModule.forRoot({ clientFactory: clients, producer: { group: 'p' } })];
    const { app } = await startMicroservice({
      controllers: [Consumer],
      providers: [journalling(clients.journal)],
      imports,
      clients,
    });
    clients.journal.length = 0;
    await app.close();
    expect(clients.journal).toEqual([
      'stopIntake test-group',
      'shutdown test-group',
      'user onModuleDestroy',
      'user beforeApplicationShutdown',
      'user onApplicationShutdown',
      'shutdown producer p',
    ]);
  });

  it('close() of a hybrid application stops the intake before its hooks end, drains, and closes producers last', async () => {
    const clients = new FakeClientFactory();
    const imports = [RocketMQModule.forRoot({ clientFactory: clients, producer: { group: 'p' } })];
    const { app } = await startHybrid({
      controllers: [Consumer],
      providers: [journalling(clients.journal)],
      imports,
      clients,
    });
    clients.journal.length = 0;
    await app.close();
    expect(clients.journal).toEqual([
      'user onModuleDestroy',
      'stopIntake test-group',
      'user beforeApplicationShutdown',
      'shutdown test-group',
      'user onApplicationShutdown',
      'shutdown producer p',
    ]);
  });

  it('a close is one close, however often it is asked for', async () => {
    const { app, server, clients } = await startMicroservice({ controllers: [Consumer] });
    await Promise.all([server.close(), server.close(), app.close()]);
    await server.close();
    expect(clients.journal.filter((line) => line.startsWith('shutdown'))).toEqual(['shutdown test-group']);
  });
});
