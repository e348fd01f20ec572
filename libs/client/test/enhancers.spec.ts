import {
  Catch,
  Controller,
  Injectable,
  ParseIntPipe,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { catchError, EMPTY, map, of, throwError, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { RocketMQContext, RocketMQException } from '../src/index.js';
import { startMicroservice } from './consumer-application.js';
import { testMessage } from './fake-clients.js';

describe('guards', () => {
  @Injectable()
  class TenantGuard implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      return context.switchToRpc().getContext<RocketMQContext>().getProperty('tenant') === 'mine';
    }
  }
  let handled = 0;
  @Controller()
  class Guarded {
    @UseGuards(TenantGuard)
    @EventPattern('guarded')
    handle(@Payload() _data: unknown): void {
      handled++;
    }
    @EventPattern('open')
    open(@Payload() _data: unknown): void {
      handled++;
    }
  }

  it('a message that a guard refuses is not acknowledged and not handled', async () => {
    const { app, consumer } = await startMicroservice({ controllers: [Guarded] });
    expect(await consumer().deliver(testMessage('guarded', {}, { properties: { tenant: 'mine' } }))).toBe(
      'CONSUME_SUCCESS',
    );
    expect(await consumer().deliver(testMessage('guarded', {}))).toBe('RECONSUME_LATER');
    expect(handled).toBe(1);
    await app.close();
  });

  it('a global guard (APP_GUARD) works', async () => {
    const providers = [{ provide: APP_GUARD, useClass: TenantGuard }];
    const { app, consumer } = await startMicroservice({ controllers: [Guarded], providers });
    expect(await consumer().deliver(testMessage('open', {}))).toBe('RECONSUME_LATER');
    await app.close();
  });
});

describe('pipes', () => {
  class Trim implements PipeTransform<string, string> {
    transform(value: string): string {
      return value.trim();
    }
  }
  const seen: unknown[] = [];
  @Controller()
  class Piped {
    @EventPattern('number')
    number(@Payload('id', ParseIntPipe) id: number): void {
      seen.push(id);
    }
    @UsePipes(Trim)
    @EventPattern('text')
    text(@Payload() text: string): void {
      seen.push(text);
    }
  }

  it('transform the payload, and a failed validation makes the message come again', async () => {
    const { app, consumer } = await startMicroservice({ controllers: [Piped] });
    expect(await consumer().deliver(testMessage('number', { id: '42' }))).toBe('CONSUME_SUCCESS');
    expect(await consumer().deliver(testMessage('text', ' a '))).toBe('CONSUME_SUCCESS');
    expect(await consumer().deliver(testMessage('number', { id: 'many' }))).toBe('RECONSUME_LATER');
    expect(seen).toEqual([42, 'a']);
    await app.close();
  });
});

describe('interceptors', () => {
  const journal: string[] = [];
  class Around implements NestInterceptor {
    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      const rpc = context.switchToRpc();
      journal.push(`before ${JSON.stringify(rpc.getData())} of ${rpc.getContext<RocketMQContext>().getTopic()}`);
      return next.handle().pipe(
        map((value: unknown) => {
          journal.push(`after ${String(value)}`);
          return value;
        }),
      );
    }
  }
  class Rescue implements NestInterceptor {
    intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
      return next.handle().pipe(catchError(() => of('rescued')));
    }
  }
  @Controller()
  class Intercepted {
    @UseInterceptors(Around)
    @EventPattern('around')
    async around(@Payload() data: { fail?: boolean }): Promise<string> {
      await Promise.resolve();
      if (data.fail) throw new Error('no');
      return 'result';
    }
    @UseInterceptors(Rescue)
    @EventPattern('rescued')
    rescued(@Payload() _data: unknown): void {
      throw new Error('no');
    }
  }

  it('run around the handler, whose end is awaited', async () => {
    const { app, consumer } = await startMicroservice({ controllers: [Intercepted] });
    expect(await consumer().deliver(testMessage('around', { id: 1 }))).toBe('CONSUME_SUCCESS');
    expect(await consumer().deliver(testMessage('around', { fail: true }))).toBe('RECONSUME_LATER');
    expect(await consumer().deliver(testMessage('rescued', {}))).toBe('CONSUME_SUCCESS');
    expect(journal).toEqual(['before {"id":1} of around', 'after result', 'before {"fail":true} of around']);
    await app.close();
  });
});

describe('exception filters', () => {
  class Known extends Error {}
  @Catch(Known)
  class Handled implements ExceptionFilter {
    catch(_exception: Known, _host: ArgumentsHost): Observable<never> {
      return EMPTY;
    }
  }
  @Catch(TypeError)
  class Translated implements ExceptionFilter {
    catch(exception: TypeError): Observable<never> {
      return throwError(() => new RocketMQException(`translated: ${exception.message}`));
    }
  }
  @Controller()
  @UseFilters(Handled, Translated)
  class Filtered {
    @EventPattern({ topic: 'filtered' })
    handle(@Payload() kind: string, @Ctx() _context: RocketMQContext): void {
      if (kind === 'known') throw new Known('handled by the filter');
      if (kind === 'type') throw new TypeError('wrong');
      throw new Error('nobody catches this');
    }
  }

  it('one that ends without an error has handled the message, one that fails gives it back', async () => {
    const { app, consumer, logger } = await startMicroservice({ controllers: [Filtered] });
    expect(await consumer().deliver(testMessage('filtered', 'known'))).toBe('CONSUME_SUCCESS');
    expect(await consumer().deliver(testMessage('filtered', 'type'))).toBe('RECONSUME_LATER');
    expect(await consumer().deliver(testMessage('filtered', 'else'))).toBe('RECONSUME_LATER');
    expect(logger.having('translated: wrong')).toHaveLength(1);
    await app.close();
  });
});
