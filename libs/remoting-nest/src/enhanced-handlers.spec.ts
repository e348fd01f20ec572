import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { APP_GUARD, ModulesContainer } from '@nestjs/core';
import { Payload, RpcException } from '@nestjs/microservices';
import { RemotingCommand, ResponseCode, RocknestError } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { map, type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { RequestErrorFilter, RequestHandler } from './index.js';
import { globalEnhancerTokens } from './handler-discovery.js';
import { call, closeAfterEach, ok, start } from './spec-support/microservice.js';

closeAfterEach();

@Injectable()
class NameGuard implements CanActivate {
  static calls = 0;

  canActivate(context: ExecutionContext): boolean {
    NameGuard.calls++;
    const request = context.switchToRpc().getData<RemotingCommand>();
    const connection = context.switchToRpc().getContext<Connection>();
    return connection.remoteAddress !== '' && request.field('name') === 'allowed';
  }
}

@Injectable()
class CountingInterceptor implements NestInterceptor {
  static calls = 0;

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    CountingInterceptor.calls++;
    return next.handle().pipe(
      map((response: RemotingCommand) => {
        response.setField('intercepted', 'yes');
        return response;
      }),
    );
  }
}

class TaggingPipe implements PipeTransform {
  transform(value: unknown): unknown {
    if (value instanceof RemotingCommand) value.setField('piped', 'yes');
    return value;
  }
}

@Controller()
class GuardedController {
  calls = 0;

  @UseGuards(NameGuard)
  @RequestHandler(2001)
  guarded(request: RemotingCommand, connection: Connection): RemotingCommand {
    return ok({ text: `guarded ${request.field('name')} ${connection.closed}`, calls: ++this.calls });
  }

  @RequestHandler(2002)
  @UseInterceptors(CountingInterceptor)
  intercepted(): RemotingCommand {
    return ok();
  }

  @RequestHandler(2003)
  @UsePipes(TaggingPipe)
  piped(request: RemotingCommand): RemotingCommand {
    return ok({ piped: request.field('piped') ?? 'no' });
  }

  @RequestHandler(2004)
  @UseInterceptors(CountingInterceptor)
  rpcError(): RemotingCommand {
    throw new RpcException({ code: ResponseCode.TOPIC_NOT_EXIST, message: 'no such topic' });
  }

  @RequestHandler(2005)
  @UseInterceptors(CountingInterceptor)
  masked(): RemotingCommand {
    throw new Error('secret');
  }

  @RequestHandler(2006)
  @UseFilters(RequestErrorFilter)
  unmasked(): RemotingCommand {
    throw Object.assign(new RocknestError('TEST', 'the real text'), { responseCode: ResponseCode.INVALID_PARAMETER });
  }

  @RequestHandler(2007)
  parameter(@Payload('code') code: number): RemotingCommand {
    return ok({ code });
  }

  @RequestHandler(2008)
  plain(): RemotingCommand {
    return ok({ text: 'plain' });
  }

  @RequestHandler(2009)
  @UseInterceptors(CountingInterceptor)
  observable(): Promise<RemotingCommand> {
    return of(ok({ text: 'observable' })) as unknown as Promise<RemotingCommand>;
  }
}

describe('handlers with guards, pipes, interceptors and filters', () => {
  const module = { controllers: [GuardedController], providers: [NameGuard, CountingInterceptor] };

  it('a guard runs, and its no is NO_PERMISSION', async () => {
    const { address } = await start(module);
    NameGuard.calls = 0;
    const yes = await call(address, 2001, { name: 'allowed' });
    expect([yes.code, yes.field('text')]).toEqual([0, 'guarded allowed false']);
    const no = await call(address, 2001, { name: 'someone' });
    expect([no.code, no.remark]).toEqual([ResponseCode.NO_PERMISSION, 'Forbidden resource']);
    expect(NameGuard.calls).toBe(2);
    expect((await call(address, 2001, { name: 'allowed' })).field('calls')).toBe('2');
  });

  it('a guard on the class counts for all its methods', async () => {
    @UseGuards(NameGuard)
    @Controller()
    class Closed {
      @RequestHandler(2101)
      handle(): RemotingCommand {
        return ok();
      }
    }
    const { address } = await start({ controllers: [Closed], providers: [NameGuard] });
    expect((await call(address, 2101)).code).toBe(ResponseCode.NO_PERMISSION);
    expect((await call(address, 2101, { name: 'allowed' })).code).toBe(0);
  });

  it('interceptors and pipes run', async () => {
    const { address } = await start(module);
    expect((await call(address, 2002)).field('intercepted')).toBe('yes');
    expect((await call(address, 2003)).field('piped')).toBe('yes');
    expect((await call(address, 2009)).field('text')).toBe('observable');
  });

  it('decorated parameters are honoured', async () => {
    const { address } = await start(module);
    expect((await call(address, 2007)).field('code')).toBe('2007');
  });

  it('RpcException becomes its code; other errors are masked by Nest unless a filter lets them through', async () => {
    const { address } = await start(module);
    const rpc = await call(address, 2004);
    expect([rpc.code, rpc.remark]).toEqual([ResponseCode.TOPIC_NOT_EXIST, 'no such topic']);
    const masked = await call(address, 2005);
    expect([masked.code, masked.remark]).toEqual([ResponseCode.SYSTEM_ERROR, 'Internal server error']);
    const unmasked = await call(address, 2006);
    expect([unmasked.code, unmasked.remark]).toEqual([ResponseCode.INVALID_PARAMETER, 'the real text']);
  });

  it('a neighbour without any stays plain', async () => {
    const { address } = await start(module);
    CountingInterceptor.calls = 0;
    expect((await call(address, 2008)).field('text')).toBe('plain');
    expect(CountingInterceptor.calls).toBe(0);
  });

  it('a request-scoped controller gets an instance for each request', async () => {
    let instances = 0;
    @Controller({ scope: Scope.REQUEST })
    class Scoped {
      readonly number = ++instances;

      @RequestHandler(2201)
      handle(): RemotingCommand {
        return ok({ number: this.number });
      }
    }
    const { address } = await start({ controllers: [Scoped] });
    const numbers = [(await call(address, 2201)).field('number'), (await call(address, 2201)).field('number')];
    expect(new Set(numbers).size).toBe(2);
  });

  it('the processing hooks run around wrapped handlers', async () => {
    const { address, strategy } = await start(module);
    const seen: string[] = [];
    strategy.setOnProcessingStartHook((_transport, _context, done) => {
      seen.push('start');
      void done();
    });
    strategy.setOnProcessingEndHook(() => void seen.push('end'));
    await call(address, 2002);
    await call(address, 2008);
    expect(seen).toEqual(['start', 'end']);
  });

  it('global enhancers run when asked for', async () => {
    const globals = { provide: APP_GUARD, useClass: NameGuard };
    const without = await start({
      controllers: [GuardedController],
      providers: [globals, NameGuard, CountingInterceptor],
    });
    expect((await call(without.address, 2008)).code).toBe(0);
    expect(globalEnhancerTokens(without.app.get(ModulesContainer))).toEqual(['APP_GUARD']);
    const withGlobals = await start(
      { controllers: [GuardedController], providers: [globals, NameGuard, CountingInterceptor] },
      { useGlobalEnhancers: true },
    );
    expect((await call(withGlobals.address, 2008)).code).toBe(ResponseCode.NO_PERMISSION);
    expect((await call(withGlobals.address, 2008, { name: 'allowed' })).code).toBe(0);
  });
});
