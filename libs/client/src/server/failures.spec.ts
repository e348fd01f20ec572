import {
  Catch,
  Controller,
  Injectable,
  Module,
  ParseIntPipe,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
} from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { EMPTY, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { createMicroservice, startHybrid, startMicroservice } from '../../test/consumer-application.js';
import { testMessage } from '../../test/fake-clients.js';
import {
  BatchFailure,
  ConcurrentConsumer,
  OrderlyConsumer,
  RetryLater,
  RocketMQConsumers,
  RocketMQContext,
  RocketMQModule,
  SendToDlq,
  Skip,
  SuspendQueue,
  type MessageFailure,
} from '../index.js';

class OutOfStock extends Error {
  override name = 'OutOfStock';
}
class Refused extends Error {
  override name = 'Refused';
}
@Injectable()
class RefusingGuard implements CanActivate {
  canActivate(): boolean {
    throw new Refused('by the guard');
  }
}
@Catch(RangeError)
class RangeFilter implements ExceptionFilter {
  catch(_exception: RangeError, _host: ArgumentsHost): Observable<never> {
    return EMPTY;
  }
}

const errors: Record<string, () => Error> = {
  stock: () => new OutOfStock('shelf 7'),
  later: () => new RetryLater({ delayLevel: 9, reason: 'closed' }),
  dlq: () => new SendToDlq('never'),
  skip: () => new Skip(),
  suspend: () => new SuspendQueue({ ms: 250 }),
  range: () => new RangeError('filtered'),
  other: () => new Error('other'),
};
const seen: (MessageFailure | undefined)[] = [];

@Controller()
@UseFilters(RangeFilter)
class Orders {
  @ConcurrentConsumer({ topic: 'orders', retry: { dlq: [OutOfStock], delayLevels: [2, 4], maxReconsumeTimes: 20 } })
  onOrder(@Payload() kind: string, @Ctx() context: RocketMQContext): void {
    seen.push(context.getFailure());
    if (kind in errors) throw errors[kind]();
  }
  @UseGuards(RefusingGuard)
  @EventPattern('guarded', { retry: { dlq: [Refused] } })
  guarded(@Payload() _data: unknown): void {}
  @EventPattern('piped', { retry: { dlq: ['BadRequestException'] } })
  piped(@Payload('id', ParseIntPipe) _id: number): void {}
  @EventPattern('json', { deserializer: 'json', retry: { dlq: ['CLIENT_DESERIALIZE'], storeReason: false } })
  json(@Payload() _data: unknown): void {}
}

const NAME = 'rocknestFailureName';

describe('failures of concurrent handlers', () => {
  it.each<[string, string, unknown]>([
    ['orders', 'stock', { delayLevel: -1, properties: { [NAME]: 'OutOfStock', rocknestFailureMessage: 'shelf 7' } }],
    ['orders', 'later', { delayLevel: 9, properties: { [NAME]: 'RetryLater', rocknestFailureMessage: 'closed' } }],
    ['orders', 'dlq', { delayLevel: -1, properties: { [NAME]: 'SendToDlq', rocknestFailureMessage: 'never' } }],
    ['orders', 'suspend', { delayLevel: 1, properties: { [NAME]: 'SuspendQueue' } }],
    ['orders', 'other', { delayLevel: 2, properties: { [NAME]: 'Error' } }],
    ['guarded', '{}', { delayLevel: -1, properties: { [NAME]: 'Refused', rocknestFailureMessage: 'by the guard' } }],
    ['piped', '{"id":"many"}', { delayLevel: -1, properties: { [NAME]: 'BadRequestException' } }],
    ['json', 'no json', { delayLevel: -1 }],
  ])('%s %s', async (topic, body, outcome) => {
    const { app, consumer } = await startMicroservice({ controllers: [Orders] });
    expect(await consumer().deliver(testMessage(topic, body))).toBe('RECONSUME_LATER');
    expect(consumer().outcomes).toMatchObject([outcome]);
    await app.close();
  });

  it.each([
    ['other', { consumeResult: 'CR_THROW_EXCEPTION', remark: 'Error: other' }],
    ['dlq', { consumeResult: 'CR_THROW_EXCEPTION', remark: 'SendToDlq: never' }],
    ['later', { consumeResult: 'CR_LATER', remark: 'RetryLater: closed' }],
    ['skip', undefined],
    ['fine', undefined],
  ])('what an administrator is told who has a message handled: %s', async (kind, report) => {
    const { app, consumer } = await startMicroservice({ controllers: [Orders] });
    await consumer().deliver(testMessage('orders', kind));
    expect(consumer().directReport).toEqual(report && expect.objectContaining(report));
    await consumer().deliver(testMessage('unknown', kind));
    expect(consumer().directReport).toMatchObject({ remark: expect.stringContaining('no handler') });
    await app.close();
  });

  it('the same in a hybrid application that inherits nothing', async () => {
    const { app, consumer } = await startHybrid({ controllers: [Orders] });
    expect(await consumer().deliver(testMessage('orders', 'stock'))).toBe('RECONSUME_LATER');
    expect(consumer().outcomes).toMatchObject([{ delayLevel: -1, properties: { [NAME]: 'OutOfStock' } }]);
    await app.close();
  });

  it('Skip, and what a filter of the application has dealt with, count as handled', async () => {
    const { app, consumer } = await startMicroservice({ controllers: [Orders] });
    expect(await consumer().deliver(testMessage('orders', 'skip'))).toBe('CONSUME_SUCCESS');
    expect(await consumer().deliver(testMessage('orders', 'range'))).toBe('CONSUME_SUCCESS');
    expect(consumer().outcomes).toBeUndefined();
    await app.close();
  });

  it("the highest limit of redeliveries is the group's; each handler ends at its own", async () => {
    const { app, consumer } = await startMicroservice({ controllers: [Orders] });
    expect(consumer().options.maxReconsumeTimes).toBe(20);
    const level = async (topic: string, body: string, reconsumeTimes: number): Promise<unknown> => {
      await consumer().deliver(testMessage(topic, body, { reconsumeTimes }));
      return (consumer().outcomes?.[0] as { delayLevel: number }).delayLevel;
    };
    expect([await level('orders', 'other', 19), await level('orders', 'other', 20)]).toEqual([4, -1]);
    expect(await level('guarded', '{}', 3)).toBe(-1);
    await app.close();
  });

  it('the reason of the last failure is read through the context', async () => {
    const { app, consumer } = await startMicroservice({ controllers: [Orders] });
    await consumer().deliver(testMessage('orders', 'fine'));
    await consumer().deliver(
      testMessage('orders', 'fine', { properties: { [NAME]: 'Refused', rocknestFailureTraceId: 'T' } }),
    );
    expect(seen.slice(-2)).toMatchObject([undefined, { name: 'Refused', traceId: 'T' }]);
    await app.close();
  });

  it("policies of the server and of the module stand behind the handler's", async () => {
    @Controller()
    class Plain {
      @EventPattern('plain', { retry: { on: [OutOfStock] } })
      on(@Payload() kind: string): void {
        throw errors[kind]();
      }
    }
    @Module({ imports: [RocketMQModule.forRoot({ retry: { dlq: [OutOfStock], skip: ['Error'] } })] })
    class Root {}
    const { app, consumer } = await startMicroservice({
      imports: [Root],
      controllers: [Plain],
      server: { retry: { delayLevels: [7] } },
    });
    await consumer().deliver(testMessage('plain', 'stock'));
    expect(consumer().outcomes).toMatchObject([{ delayLevel: 7 }]);
    expect(await consumer().deliver(testMessage('plain', 'other'))).toBe('CONSUME_SUCCESS');
    await app.close();
  });

  it('a wrong policy is refused at boot, with the name of the handler', async () => {
    @Controller()
    class Wrong {
      @ConcurrentConsumer({ topic: 'wrong', retry: { dlq: 'Error' as never } })
      on(@Payload() _data: unknown): void {}
    }
    const { app } = await createMicroservice({ controllers: [Wrong] });
    await expect(app.listen()).rejects.toThrow(/^Wrong\.on: retry\.dlq must be a list/);
    await app.close();
  });
});

describe('failures of batches', () => {
  @Controller()
  class Batches {
    @ConcurrentConsumer({ topic: 'settled', group: 'settled', batch: { maxMessages: 8 } })
    settled(@Payload() kinds: string[]): Promise<PromiseSettledResult<void>[]> {
      return Promise.allSettled(
        kinds.map(async (kind) => {
          if (kind in errors) throw errors[kind]();
        }),
      );
    }
    @ConcurrentConsumer({ topic: 'thrown', group: 'thrown', batch: { maxMessages: 8 } })
    thrown(@Payload() kinds: string[]): void {
      if (kinds.includes('range')) throw new BatchFailure([[99, errors['dlq']()]]);
      throw new BatchFailure(new Map([[1, errors['dlq']()]]));
    }
    @ConcurrentConsumer({ topic: 'values', group: 'values', batch: { maxMessages: 8 }, deserializer: 'json' })
    values(@Payload() values: number[]): Promise<number[]> {
      return Promise.all(values.map((value) => Promise.resolve(value)));
    }
    @ConcurrentConsumer({ topic: 'short', group: 'short', batch: { maxMessages: 8 } })
    short(@Payload() _kinds: string[]): Promise<PromiseSettledResult<void>[]> {
      return Promise.allSettled([Promise.resolve()]);
    }
    @OrderlyConsumer({ topic: 'ordered', group: 'ordered', batch: { maxMessages: 8 }, retry: { dlq: [OutOfStock] } })
    ordered(@Payload() kinds: string[]): Promise<PromiseSettledResult<void>[]> {
      return this.settled(kinds);
    }
  }
  const batch = (topic: string, ...kinds: string[]) => kinds.map((kind) => testMessage(topic, kind));

  it('each message by the array of Promise.allSettled', async () => {
    const { app, consumer } = await startMicroservice({ controllers: [Batches] });
    const target = consumer('settled');
    expect(await target.deliver(...batch('settled', 'a', 'later', 'skip', 'dlq'))).toBe('CONSUME_SUCCESS');
    expect(target.outcomes).toMatchObject([undefined, { delayLevel: 9 }, 'CONSUME_SUCCESS', { delayLevel: -1 }]);
    expect(await target.deliver(...batch('settled', 'a', 'b'))).toBe('CONSUME_SUCCESS');
    expect(target.outcomes).toBeUndefined();
    await app.close();
  });

  it('each message by a BatchFailure; one that does not fit fails all', async () => {
    const { app, consumer } = await startMicroservice({ controllers: [Batches] });
    expect(await consumer('thrown').deliver(...batch('thrown', 'a', 'b', 'c'))).toBe('CONSUME_SUCCESS');
    expect(consumer('thrown').outcomes).toMatchObject([undefined, { delayLevel: -1 }]);
    expect(await consumer('thrown').deliver(...batch('thrown', 'a', 'range'))).toBe('RECONSUME_LATER');
    expect(await consumer('short').deliver(...batch('short', 'a', 'b'))).toBe('RECONSUME_LATER');
    await app.close();
  });

  it('a body that can not be read fails alone, and other arrays are no outcome', async () => {
    const { app, consumer } = await startMicroservice({ controllers: [Batches] });
    expect(await consumer('values').deliver(...batch('values', '1', 'x', '3'))).toBe('CONSUME_SUCCESS');
    expect(consumer('values').outcomes).toMatchObject([undefined, { delayLevel: 0 }]);
    await app.close();
  });

  it('in order: dead letters go, the first retry stops the batch', async () => {
    const { app, consumer } = await startMicroservice({ controllers: [Batches] });
    const messages = batch('ordered', 'a', 'stock', 'suspend', 'b', 'dlq');
    const { result, context } = await consumer('ordered').deliverInOrder(...messages);
    expect(result).toBe('SUSPEND_CURRENT_QUEUE_A_MOMENT');
    expect(context).toMatchObject({ ackIndex: 1, deadLetters: [1], suspendCurrentQueueTimeMillis: 250 });
    expect(messages[1].properties[NAME]).toBe('OutOfStock');
    expect(context.directReport).toMatchObject({ consumeResult: 'CR_THROW_EXCEPTION', remark: 'OutOfStock: shelf 7' });
    const all = await consumer('ordered').deliverInOrder(...batch('ordered', 'skip', 'dlq'));
    expect([all.result, all.context.deadLetters]).toEqual(['SUCCESS', [1]]);
    await app.close();
  });
});

describe('pause and resume', () => {
  it('a group, a topic, a queue, through the server or the injectable', async () => {
    @Module({ imports: [RocketMQModule.forRoot({})] })
    class Root {}
    const { app, server, consumer } = await startMicroservice({ imports: [Root], controllers: [Orders] });
    const consumers = app.get(RocketMQConsumers);
    consumers.pause({ topic: 'orders', queue: { brokerName: 'broker-a', queueId: 1 } });
    expect(consumers.paused()).toEqual([
      { group: 'test-group', all: false, queues: [{ topic: 'orders', brokerName: 'broker-a', queueId: 1 }] },
    ]);
    server.pause({ group: 'test-group' });
    expect(consumer().isSuspended).toBe(true);
    consumers.resume();
    expect([consumer().isSuspended, server.paused()]).toEqual([false, []]);
    expect(() => server.pause({ group: 'other' })).toThrow(
      /no consumer is {"group":"other"}; there are test-group \(orders/,
    );
    expect(() => consumers.resume({ topic: 'unknown' })).toThrow(/no consumer of this application/);
    expect(() => server.pause({ queue: { brokerName: 'b', queueId: 0 } })).toThrow(/queue needs a topic/);
    await app.close();
  });
});

describe('the stop of the intake', () => {
  it('handles what later messages of its queue have overtaken, and begins nothing else', async () => {
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    @Controller()
    class Mixed {
      @ConcurrentConsumer({ topic: 'mixed', tags: 'slow', concurrency: 1, deserializer: 'json' })
      slow(@Payload() n: number): Promise<void> {
        begun.push(n);
        return new Promise((resolve) => ends.push(resolve));
      }
      @ConcurrentConsumer({ topic: 'mixed', tags: 'quick', concurrency: 5, deserializer: 'json' })
      quick(@Payload() n: number): void {
        begun.push(n);
      }
    }
    const { app, server, consumer } = await startMicroservice({ controllers: [Mixed] });
    const listener = consumer();
    const queue = { topic: 'mixed', brokerName: 'broker-a', queueId: 0 };
    const give = (n: number, tags: string) => listener.deliverFrom(queue, testMessage('mixed', n, { tags }));
    const results = [give(1, 'slow'), give(2, 'slow'), give(3, 'quick'), give(4, 'slow')];
    await results[2];
    server.stopIntake();
    expect(await results[3]).toBe('NOT_CONSUMED');
    ends.shift()!();
    expect(await results[0]).toBe('CONSUME_SUCCESS');
    await waitFor(() => ends.length === 1, 'the second one');
    ends.shift()!();
    expect(await results[1]).toBe('CONSUME_SUCCESS');
    expect(begun).toEqual([1, 3, 2]);
    await app.close();
  });
});
