import { Controller } from '@nestjs/common';
import { EventPattern, Payload, RpcException } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { createMicroservice, startMicroservice } from '../../test/consumer-application.js';
import { testMessage } from '../../test/fake-clients.js';
import { ConcurrentConsumer, OrderlyConsumer } from '../index.js';

interface Order {
  id: number;
}

describe('@OrderlyConsumer', () => {
  it('awaits the handler before the result, and lets the queue rest when it fails', async () => {
    const log: string[] = [];
    @Controller()
    class Orders {
      @OrderlyConsumer({ topic: 'orders', suspendCurrentQueueTimeMillis: 250, maxReconsumeTimes: 3 })
      async onOrder(@Payload() order: Order): Promise<void> {
        await new Promise((resolve) => setImmediate(resolve));
        log.push(`handled ${order.id}`);
        if (order.id === 2) throw new RpcException('not now');
      }
    }
    const { app, consumer, logger } = await startMicroservice({ controllers: [Orders] });
    expect(consumer().options).toMatchObject({ suspendCurrentQueueTimeMillis: 250, maxReconsumeTimes: 3 });
    const first = await consumer().deliverInOrder(testMessage('orders', { id: 1 }));
    log.push(first.result);
    const second = await consumer().deliverInOrder(testMessage('orders', { id: 2 }));
    log.push(second.result);
    expect(log).toEqual(['handled 1', 'SUCCESS', 'handled 2', 'SUSPEND_CURRENT_QUEUE_A_MOMENT']);
    expect(second.context.suspendCurrentQueueTimeMillis).toBe(-1);
    expect(logger.having('its queue rests and it comes again')).toHaveLength(1);
    expect(logger.having('consumes orders in order')).toHaveLength(1);
    await app.close();
  });

  it("is the same as Nest's own decorator with orderly: true, and takes batches", async () => {
    const seen: number[][] = [];
    @Controller()
    class Orders {
      @EventPattern('orders', { orderly: true, batch: { maxMessages: 8 } })
      onOrders(@Payload() orders: Order[]): void {
        seen.push(orders.map((order) => order.id));
      }
    }
    const { app, consumer } = await startMicroservice({ controllers: [Orders] });
    expect(consumer().options.consumeMessageBatchMaxSize).toBe(8);
    const { result } = await consumer().deliverInOrder(
      testMessage('orders', { id: 1 }),
      testMessage('orders', { id: 2 }),
    );
    expect([result, seen]).toEqual(['SUCCESS', [[1, 2]]]);
    await app.close();
  });

  it('a message that no handler takes is a dead letter, so that its queue goes on', async () => {
    @Controller()
    class Orders {
      @OrderlyConsumer({ topic: 'orders', tags: 'created' })
      onOrder(@Payload() _order: Order): void {}
    }
    const { app, consumer, logger } = await startMicroservice({ controllers: [Orders] });
    const { result, context } = await consumer().deliverInOrder(testMessage('orders', { id: 1 }, { tags: 'other' }));
    expect([result, context.deadLetters]).toEqual(['SUCCESS', [0]]);
    expect(logger.having('goes to %DLQ%test-group')).toHaveLength(1);
    await app.close();
  });

  it('what waits for its turn when the intake stops is not begun', async () => {
    let finish: (() => void) | undefined;
    @Controller()
    class Orders {
      @OrderlyConsumer({ topic: 'orders', concurrency: 1 })
      onOrder(@Payload() _order: Order): Promise<void> {
        return new Promise((resolve) => (finish = resolve));
      }
    }
    const { app, server, consumer } = await startMicroservice({ controllers: [Orders] });
    const running = consumer().deliverInOrder(testMessage('orders', { id: 1 }));
    const waiting = consumer().deliverInOrder(testMessage('orders', { id: 2 }, { queueId: 1 }));
    server.stopIntake();
    expect((await waiting).result).toBe('NOT_CONSUMED');
    await waitFor(() => finish !== undefined, 'the handler');
    finish?.();
    expect((await running).result).toBe('SUCCESS');
    await app.close();
  });

  it('a group of orderly and concurrent handlers is refused at boot, with both names', async () => {
    @Controller()
    class Orders {
      @OrderlyConsumer({ topic: 'orders' })
      inOrder(@Payload() _order: Order): void {}
      @ConcurrentConsumer({ topic: 'stock' })
      atOnce(@Payload() _order: Order): void {}
    }
    const { app } = await createMicroservice({ controllers: [Orders] });
    await expect(app.listen()).rejects.toThrow(
      /^Orders\.inOrder is orderly and Orders\.atOnce is concurrent, but both belong to consumer group "test-group"/,
    );
    await app.close();
  });

  it('refuses another value than true or false', async () => {
    @Controller()
    class Orders {
      @EventPattern('orders', { orderly: 'yes' })
      inOrder(@Payload() _order: Order): void {}
    }
    const { app } = await createMicroservice({ controllers: [Orders] });
    await expect(app.listen()).rejects.toThrow(/orderly is of type string, must be true or false/);
    await app.close();
  });
});
