import type { INestApplication, INestMicroservice, LoggerService, ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { RocketMQServer, type RocketMQServerOptions } from '../src/index.js';
import { FakeClientFactory, type FakePushConsumer } from './fake-clients.js';

/** Keeps log lines; a test looks at what was said. */
export class MemoryLogger implements LoggerService {
  readonly lines: string[] = [];
  log(message: unknown): void {
    this.lines.push(`log ${String(message)}`);
  }
  warn(message: unknown): void {
    this.lines.push(`warn ${String(message)}`);
  }
  error(message: unknown): void {
    this.lines.push(`error ${String(message)}`);
  }
  /** The lines that contain `text`. */
  having(text: string): string[] {
    return this.lines.filter((line) => line.includes(text));
  }
}

export interface ConsumerApplication<App> {
  app: App;
  server: RocketMQServer;
  clients: FakeClientFactory;
  logger: MemoryLogger;
  consumer(group?: string): FakePushConsumer;
}

export interface ApplicationOptions extends ModuleMetadata {
  server?: RocketMQServerOptions;
  clients?: FakeClientFactory;
}

/** Group of handlers that name none. */
export const GROUP = 'test-group';

function parts(options: ApplicationOptions) {
  const { server: serverOptions, clients = new FakeClientFactory(), ...metadata } = options;
  const server = new RocketMQServer({ group: GROUP, shutdownSignals: [], clientFactory: clients, ...serverOptions });
  const logger = new MemoryLogger();
  return { server, clients, logger, metadata, consumer: (group = GROUP) => clients.consumer(group) };
}

/** A microservice over fake clients, not listening yet. `prepare` may use it before its handlers are registered. */
export async function createMicroservice(options: ApplicationOptions): Promise<ConsumerApplication<INestMicroservice>> {
  const { metadata, ...rest } = parts(options);
  const module = await Test.createTestingModule(metadata).setLogger(rest.logger).compile();
  const app = module.createNestMicroservice({ strategy: rest.server });
  return { app, ...rest };
}

/** The same, listening. */
export async function startMicroservice(options: ApplicationOptions): Promise<ConsumerApplication<INestMicroservice>> {
  const application = await createMicroservice(options);
  await application.app.listen();
  return application;
}

/** A hybrid application over fake clients, consuming; it opens no HTTP port. */
export async function startHybrid(
  options: ApplicationOptions & { inheritAppConfig?: boolean; configure?: (app: INestApplication) => void },
): Promise<ConsumerApplication<INestApplication>> {
  const { inheritAppConfig, configure, ...others } = options;
  const { metadata, ...rest } = parts(others);
  const module = await Test.createTestingModule(metadata).setLogger(rest.logger).compile();
  const app = module.createNestApplication();
  configure?.(app);
  app.connectMicroservice({ strategy: rest.server }, { inheritAppConfig });
  await app.startAllMicroservices();
  await app.init();
  return { app, ...rest };
}
