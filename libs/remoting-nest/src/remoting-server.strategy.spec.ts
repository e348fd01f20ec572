import { Controller, Inject, Injectable, Module, UseGuards, type CanActivate } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { RemotingCommand, ResponseCode, RocknestError } from '@rocknest/protocol';
import { type Connection, DEFERRED } from '@rocknest/remoting';
import { describe, expect, it } from 'vitest';
import { RemotingModule, RemotingServerStrategy, RequestHandler } from './index.js';
import { call, closeAfterEach, ok, start } from './spec-support/microservice.js';

closeAfterEach();

@Injectable()
class NameGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

class Greeter {
  greet(name: string | undefined): string {
    return `hello ${name}`;
  }
}

@Controller()
class GreetingController {
  constructor(@Inject(Greeter) private readonly greeter: Greeter) {}

  @RequestHandler(1001, 1002)
  greet(request: RemotingCommand, connection: Connection): RemotingCommand {
    return ok({ text: this.greeter.greet(request.field('name')), code: request.code, peer: connection.remoteAddress });
  }

  @RequestHandler(1003)
  later(request: RemotingCommand, connection: Connection): typeof DEFERRED {
    const ref = connection.requestRef(request);
    setImmediate(() => connection.respond(ref, ok({ text: 'later' })));
    return DEFERRED;
  }

  @RequestHandler(1004)
  async slow(): Promise<RemotingCommand> {
    await Promise.resolve();
    return ok({ text: 'async' });
  }

  @RequestHandler(1005)
  fail(): RemotingCommand {
    throw new RocknestError('TEST', 'this one fails');
  }
}

describe('plain handlers', () => {
  it('serve all their codes with the instance that Nest made', async () => {
    const { address } = await start({ controllers: [GreetingController], providers: [Greeter] });
    const first = await call(address, 1001, { name: 'Ada' });
    expect(first.field('text')).toBe('hello Ada');
    expect(first.field('peer')).toMatch(/^127\.0\.0\.1:\d+$/);
    expect((await call(address, 1002)).field('code')).toBe('1002');
    expect((await call(address, 1003)).field('text')).toBe('later');
    expect((await call(address, 1004)).field('text')).toBe('async');
  });

  it('answer errors with their message, and unknown codes with code 3', async () => {
    const { address } = await start({ controllers: [GreetingController], providers: [Greeter] });
    const failed = await call(address, 1005);
    expect([failed.code, failed.remark]).toEqual([ResponseCode.SYSTEM_ERROR, 'this one fails']);
    const unknown = await call(address, 4711);
    expect([unknown.code, unknown.remark]).toEqual([3, ' request type 4711 not supported']);
  });

  it('are functions of the table itself: no pattern look-up, no promise, no Observable', async () => {
    let seen: unknown;
    @Controller()
    class Direct {
      @RequestHandler(1)
      handle(): RemotingCommand {
        seen = new Error().stack;
        return ok();
      }
    }
    const { address } = await start({ controllers: [Direct] });
    await call(address, 1);
    expect(seen).toContain('RequestDispatcher.dispatch');
    expect(seen).not.toMatch(/rpc-proxy|rpc-context-creator|rxjs/);
  });

  it('may be methods of a provider', async () => {
    @Injectable()
    class Service {
      readonly word = 'provided';

      @RequestHandler(7)
      handle(): RemotingCommand {
        return ok({ text: this.word });
      }
    }
    const { address } = await start({ providers: [Service] });
    expect((await call(address, 7)).field('text')).toBe('provided');
  });

  it('leave patterns of other transports alone', async () => {
    @Controller()
    class Mixed {
      @MessagePattern('something.else')
      other(@Payload() data: unknown): unknown {
        return data;
      }

      @RequestHandler(8)
      handle(): RemotingCommand {
        return ok({ text: 'mine' });
      }
    }
    const { address } = await start({ controllers: [Mixed] });
    expect((await call(address, 8)).field('text')).toBe('mine');
  });
});

describe('mistakes at start', () => {
  @Controller()
  class FirstHandler {
    @RequestHandler(34)
    one(): RemotingCommand {
      return ok();
    }
  }

  @Controller()
  class SecondHandler {
    @RequestHandler(34)
    two(): RemotingCommand {
      return ok();
    }
  }

  it('two handlers of one code: both places are named', async () => {
    await expect(start({ controllers: [FirstHandler, SecondHandler] })).rejects.toThrow(
      /request code 34 \(HEART_BEAT\) has two handlers: FirstHandler\.one \(AppModule\) and SecondHandler\.two \(AppModule\)/,
    );
  });

  it('a provider with a guard: what to do is said', async () => {
    @Injectable()
    class Service {
      @UseGuards(NameGuard)
      @RequestHandler(9)
      handle(): RemotingCommand {
        return ok();
      }
    }
    await expect(start({ providers: [Service, NameGuard] })).rejects.toThrow(/Service\.handle .* needs guards/);
  });

  it('no RemotingModule: what to do is said', async () => {
    @Module({ controllers: [FirstHandler] })
    class Bare {}
    const strategy = new RemotingServerStrategy();
    const app = await NestFactory.createMicroservice(Bare, { strategy, logger: false });
    await expect(app.listen()).rejects.toThrow(/RemotingModule/);
    await app.close();
  });

  it('a port in use: what to do is said, and nothing stays open', async () => {
    const { strategy } = await start({ controllers: [FirstHandler] });
    const { port } = strategy.listeningAddresses[0];
    await expect(start({ controllers: [FirstHandler] }, { additionalListeners: [{ port }] })).rejects.toThrow(
      new RegExp(`cannot listen on 127.0.0.1:${port}: another process uses the port .EADDRINUSE.`),
    );
  });
});

describe('the strategy', () => {
  it('serves further ports with fewer codes', async () => {
    const { strategy } = await start(
      { controllers: [GreetingController], providers: [Greeter] },
      { additionalListeners: [{ port: 0, excludeCodes: [1002] }] },
    );
    const [main, vip] = strategy.listeningAddresses.map(({ host, port }) => `${host}:${port}`);
    expect((await call(main, 1002)).code).toBe(0);
    expect((await call(vip, 1001)).code).toBe(0);
    expect((await call(vip, 1002)).code).toBe(ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
  });

  it('serves unknown codes with the default handler', async () => {
    const { address } = await start({}, { defaultHandler: (request) => ok({ code: request.code }) });
    expect((await call(address, 99)).field('code')).toBe('99');
  });

  it('tells of connections, and its servers can be had', async () => {
    const { app, strategy, address } = await start({ controllers: [GreetingController], providers: [Greeter] });
    const events: string[] = [];
    strategy.on('connectionOpen', () => events.push('open'));
    strategy.on('connectionClose', () => events.push('close'));
    await call(address, 1001);
    expect(strategy.server.connections.size).toBe(1);
    expect(app.unwrap<unknown[]>()).toEqual([strategy.server]);
    await app.close();
    expect(events).toEqual(['open', 'close']);
  });

  it('closes as often as one likes', async () => {
    const { app, strategy, address } = await start({ controllers: [GreetingController], providers: [Greeter] });
    await Promise.all([strategy.close(), strategy.close()]);
    await app.close();
    await expect(call(address, 1001)).rejects.toThrow(/cannot connect/);
  });

  it('works beside a HTTP application', async () => {
    @Module({ imports: [RemotingModule], controllers: [GreetingController], providers: [Greeter] })
    class Hybrid {}
    const app = await NestFactory.create(Hybrid, { logger: false });
    const strategy = new RemotingServerStrategy();
    app.connectMicroservice({ strategy });
    await app.startAllMicroservices();
    const { host, port } = strategy.listeningAddresses[0];
    expect((await call(`${host}:${port}`, 1001, { name: 'Bo' })).field('text')).toBe('hello Bo');
    await app.close();
    expect(strategy.server.connections.size).toBe(0);
  });
});
