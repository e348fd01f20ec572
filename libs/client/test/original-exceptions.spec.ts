import { Controller, type ArgumentsHost } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { BaseRpcExceptionFilter, EventPattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { firstValueFrom } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RocketMQContext, RocketMQServer } from '../src/index.js';
import { FakeClientFactory, testMessage } from './fake-clients.js';

class OutOfStock extends Error {
  override name = 'OutOfStock';
}
@Controller()
class Orders {
  @EventPattern('orders')
  onOrder(@Payload() _data: unknown): void {
    throw new OutOfStock('shelf 7');
  }
}
const silent = { log() {}, warn() {}, error() {} };

/** What a server made by this class says of a message that its handler failed on. */
async function outcomesOf(Server: typeof RocketMQServer): Promise<unknown> {
  const clientFactory = new FakeClientFactory();
  const module = await Test.createTestingModule({ controllers: [Orders] })
    .setLogger(silent)
    .compile();
  const strategy = new Server({ group: 'g', shutdownSignals: [], clientFactory, retry: { dlq: [OutOfStock] } });
  const app = module.createNestMicroservice({ strategy });
  await app.listen();
  await clientFactory.consumer('g').deliver(testMessage('orders', 'x'));
  await app.close();
  return clientFactory.consumer('g').outcomes;
}

describe('exceptions of handlers reach the transport', () => {
  afterEach(() => {
    vi.resetModules();
  });

  it('of every copy of this package in a process, as after a hot reload, and Nest is changed once', async () => {
    const dead = [{ delayLevel: -1, properties: { rocknestFailureName: 'OutOfStock' } }];
    expect(await outcomesOf(RocketMQServer)).toMatchObject(dead);
    const changed = Object.getOwnPropertyDescriptor(BaseRpcExceptionFilter.prototype, 'catch')?.value as unknown;
    vi.resetModules();
    const copy = await import('../src/index.js');
    expect(copy.RocketMQContext).not.toBe(RocketMQContext);
    expect(await outcomesOf(copy.RocketMQServer)).toMatchObject(dead);
    expect(await outcomesOf(RocketMQServer)).toMatchObject(dead);
    expect(Object.getOwnPropertyDescriptor(BaseRpcExceptionFilter.prototype, 'catch')?.value).toBe(changed);
  });

  it('those of other transports are masked as Nest does', async () => {
    new RocketMQServer({ shutdownSignals: [] });
    const hostOf = (context: unknown): ArgumentsHost => {
      const host = new ExecutionContextHost([{}, context]);
      host.setType('rpc');
      return host;
    };
    class Filter extends BaseRpcExceptionFilter {
      override handleUnknownError(...parts: Parameters<BaseRpcExceptionFilter['handleUnknownError']>) {
        return super.handleUnknownError(...parts);
      }
    }
    const caught = (context: unknown): Promise<unknown> =>
      firstValueFrom(new Filter().catch(new OutOfStock('shelf 7'), hostOf(context))).catch((error: unknown) => error);
    for (const context of [undefined, null, 'text', {}]) {
      expect(await caught(context)).toEqual({ status: 'error', message: 'Internal server error' });
    }
    expect(await caught(new RocketMQContext([[], 'g']))).toBeInstanceOf(OutOfStock);
  });
});
