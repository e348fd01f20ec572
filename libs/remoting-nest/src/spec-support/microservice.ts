import { type INestMicroservice, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RemotingCommand } from '@rocknest/protocol';
import { RemotingClient } from '@rocknest/remoting';
import { afterEach } from 'vitest';
import { RemotingModule, RemotingServerStrategy, type RemotingServerStrategyOptions } from '../index.js';

/** For specs: microservices and a client that are closed after each test. */
export const ok = (fields: Record<string, string | number> = {}): RemotingCommand =>
  RemotingCommand.response(0, { fields });

/** Starts a microservice with these controllers and providers. */
export async function start(
  metadata: ModuleMetadata,
  options: RemotingServerStrategyOptions = {},
): Promise<{ app: INestMicroservice; strategy: RemotingServerStrategy; address: string }> {
  @Module({ ...metadata, imports: [RemotingModule, ...(metadata.imports ?? [])] })
  class AppModule {}
  const strategy = new RemotingServerStrategy({ closeGraceMs: 500, ...options });
  const app = await NestFactory.createMicroservice(AppModule, { strategy, logger: false, abortOnError: false });
  apps.push(app);
  await app.listen();
  const { host, port } = strategy.listeningAddresses[0];
  return { app, strategy, address: `${host}:${port}` };
}

const apps: INestMicroservice[] = [];
const clients: RemotingClient[] = [];

/** To be called once by each spec file. */
export function closeAfterEach(): void {
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });
}

export function call(address: string, code: number, fields: Record<string, string> = {}): Promise<RemotingCommand> {
  if (clients.length === 0) clients.push(new RemotingClient());
  return clients[0].invoke(address, RemotingCommand.request(code, fields), 5_000);
}
