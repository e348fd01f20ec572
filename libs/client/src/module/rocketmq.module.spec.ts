import { Controller, Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { ClientsModule, type ClientProxy } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { MemoryLogger } from '../../test/consumer-application.js';
import { FakeClientFactory } from '../../test/fake-clients.js';
import {
  getClientToken,
  getProducerToken,
  InjectClient,
  InjectProducer,
  RocketMQClient,
  RocketMQModule,
  RocketMQProducer,
  type RocketMQModuleOptions,
  type RocketMQOptionsFactory,
} from '../index.js';

async function start(imports: NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>) {
  const logger = new MemoryLogger();
  const module = await Test.createTestingModule({ imports }).setLogger(logger).compile();
  return { app: await module.init(), logger };
}

describe('RocketMQModule.forRoot', () => {
  it('the default producer connects at boot when it is configured, with the connection of the module', async () => {
    const clientFactory = new FakeClientFactory();
    const { app } = await start([
      RocketMQModule.forRoot({
        namesrvAddr: '10.0.0.1:9876',
        namespace: 'tenant',
        clientFactory,
        producer: { group: 'shop', sendMsgTimeoutMs: 500 },
      }),
    ]);
    expect(clientFactory.producers[0].started).toBe(true);
    expect(clientFactory.producers[0].options).toMatchObject({
      namesrvAddr: '10.0.0.1:9876',
      namespace: 'tenant',
      group: 'shop',
      sendMsgTimeoutMs: 500,
    });
    await app.close();
    expect(clientFactory.producers[0].isShutDown).toBe(true);
  });

  it('it connects at the first send when it is not configured', async () => {
    const clientFactory = new FakeClientFactory();
    const { app } = await start([RocketMQModule.forRoot({ clientFactory })]);
    expect(clientFactory.producers).toHaveLength(0);
    const producer = app.get<RocketMQProducer>(getProducerToken());
    await Promise.all([1, 2, 3].map((id) => producer.send({ topic: 'orders', body: { id } })));
    expect(clientFactory.producers).toHaveLength(1);
    await app.close();
  });

  it('an unreachable bus stops the boot with its error', async () => {
    const clientFactory = new FakeClientFactory();
    clientFactory.producerStart = () => Promise.reject(new Error('no namesrv answered'));
    await expect(start([RocketMQModule.forRoot({ clientFactory, producer: { group: 'shop' } })])).rejects.toThrow(
      'no namesrv answered',
    );
  });

  it('the address comes from the option, the environment, or is that of a bus on this machine', async () => {
    const before = process.env['NAMESRV_ADDR'];
    const addressOf = async (options: RocketMQModuleOptions) => {
      const { app } = await start([RocketMQModule.forRoot({ clientFactory: new FakeClientFactory(), ...options })]);
      const { namesrvAddr } = app.get<RocketMQProducer>(getProducerToken());
      await app.close();
      return namesrvAddr;
    };
    try {
      delete process.env['NAMESRV_ADDR'];
      expect(await addressOf({})).toBe('127.0.0.1:9876');
      process.env['NAMESRV_ADDR'] = '10.0.0.9:9876';
      expect(await addressOf({})).toBe('10.0.0.9:9876');
      expect(await addressOf({ namesrvAddr: '10.0.0.1:9876' })).toBe('10.0.0.1:9876');
    } finally {
      if (before === undefined) delete process.env['NAMESRV_ADDR'];
      else process.env['NAMESRV_ADDR'] = before;
    }
  });

  it('two applications in one process share nothing', async () => {
    const factories = [new FakeClientFactory(), new FakeClientFactory()];
    const apps = await Promise.all(
      factories.map((clientFactory, n) =>
        start([RocketMQModule.forRoot({ clientFactory, producer: { group: `g${n}` } })]),
      ),
    );
    await apps[0].app.close();
    expect(factories.map(({ producers }) => producers[0].isShutDown)).toEqual([true, false]);
    await apps[1].app.close();
  });
});

describe('RocketMQModule.forRootAsync', () => {
  const options: RocketMQModuleOptions = { producer: { group: 'async' } };

  @Injectable()
  class Settings implements RocketMQOptionsFactory {
    static clientFactory = new FakeClientFactory();
    createRocketMQOptions(): RocketMQModuleOptions {
      return { ...options, clientFactory: Settings.clientFactory };
    }
  }
  @Module({ providers: [Settings], exports: [Settings] })
  class SettingsModule {}

  it('useFactory, with what it injects', async () => {
    const { app } = await start([
      RocketMQModule.forRootAsync({
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: async (settings: Settings) => settings.createRocketMQOptions(),
      }),
    ]);
    expect(app.get<RocketMQProducer>(getProducerToken()).group).toBe('async');
    await app.close();
  });

  it('useClass and useExisting', async () => {
    const byClass = await start([RocketMQModule.forRootAsync({ useClass: Settings })]);
    expect(byClass.app.get<RocketMQProducer>(getProducerToken()).group).toBe('async');
    await byClass.app.close();
    const byExisting = await start([RocketMQModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings })]);
    expect(byExisting.app.get<RocketMQProducer>(getProducerToken()).group).toBe('async');
    await byExisting.app.close();
  });
});

describe('RocketMQModule.forFeature', () => {
  @Injectable()
  class Audit implements OnModuleInit {
    constructor(
      @InjectProducer('audit') readonly producer: RocketMQProducer,
      @InjectProducer() readonly defaultProducer: RocketMQProducer,
      @InjectClient('audit') readonly client: ClientProxy,
    ) {}
    async onModuleInit(): Promise<void> {
      await this.producer.send({ topic: 'audit', body: 'started' });
    }
  }

  it('named producers in a module of their own, usable in onModuleInit', async () => {
    const clientFactory = new FakeClientFactory();
    @Module({ imports: [RocketMQModule.forFeature([{ name: 'audit', group: 'shop-audit' }])], providers: [Audit] })
    class AuditModule {}
    const { app } = await start([RocketMQModule.forRoot({ namesrvAddr: '10.0.0.1:9876', clientFactory }), AuditModule]);
    const audit = app.get(Audit);
    expect([audit.producer.name, audit.producer.group, audit.producer.namesrvAddr]).toEqual([
      'audit',
      'shop-audit',
      '10.0.0.1:9876',
    ]);
    expect(audit.defaultProducer.name).toBe('default');
    await lastValueFrom(audit.client.emit('audit', { by: 'client' }));
    expect(clientFactory.producers).toHaveLength(1);
    expect(clientFactory.producers[0].sent).toHaveLength(2);
    await app.close();
    await expect(audit.producer.send({ topic: 'audit', body: 'late' })).rejects.toThrow(
      'producer "audit" is shut down',
    );
  });

  it('forFeatureAsync', async () => {
    const clientFactory = new FakeClientFactory();
    const { app } = await start([
      RocketMQModule.forRoot({ clientFactory }),
      RocketMQModule.forFeatureAsync([
        {
          name: 'late',
          inject: [getProducerToken()],
          useFactory: (p: RocketMQProducer) => ({ group: `${p.group}-2` }),
        },
      ]),
    ]);
    expect(app.get<RocketMQProducer>(getProducerToken('late')).group).toBe('rocknest-producer-2');
    await app.close();
  });

  it('without forRoot a producer needs an address of its own, and says so', async () => {
    const clientFactory = new FakeClientFactory();
    await expect(start([RocketMQModule.forFeature([{ name: 'a', clientFactory }])])).rejects.toThrow(
      'producer "a" of RocketMQModule.forFeature knows no bus: import RocketMQModule.forRoot()',
    );
    const { app } = await start([
      RocketMQModule.forFeature([{ name: 'a', namesrvAddr: '10.0.0.3:9876', clientFactory }]),
    ]);
    expect(clientFactory.producers[0].options.namesrvAddr).toBe('10.0.0.3:9876');
    await app.close();
  });
});

describe('ClientsModule with customClass', () => {
  it('gives a client that closes with the application', async () => {
    const clientFactory = new FakeClientFactory();
    @Controller()
    class Any {}
    const module = await Test.createTestingModule({
      controllers: [Any],
      imports: [
        ClientsModule.register([{ name: 'BUS', customClass: RocketMQClient, options: { clientFactory, group: 'c' } }]),
      ],
    }).compile();
    await module.init();
    const client = module.get<ClientProxy>('BUS');
    await lastValueFrom(client.emit('orders:created', { id: 1 }));
    expect(clientFactory.producers[0].sent).toEqual([{ topic: 'orders', tags: 'created', body: '{"id":1}' }]);
    await module.close();
    expect(clientFactory.producers[0].isShutDown).toBe(true);
  });

  it('the default ClientProxy of forRoot shares the default producer', async () => {
    const clientFactory = new FakeClientFactory();
    const { app } = await start([RocketMQModule.forRoot({ clientFactory })]);
    const client = app.get<RocketMQClient>(getClientToken());
    await client.connect();
    expect(client.unwrap()).toBe(app.get<RocketMQProducer>(getProducerToken()).unwrap());
    await client.close();
    expect(clientFactory.producers[0].isShutDown).toBe(false);
    await app.close();
    expect(clientFactory.producers[0].isShutDown).toBe(true);
  });
});
