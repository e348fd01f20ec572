import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RocketMQServer } from '@rocknest/client';
import { AppModule } from './app.module.js';
import { readSettings } from './settings.js';
import { exitOnStartError } from './start-error.js';

async function bootstrap(port: number, namesrvAddr: string): Promise<void> {
  const app = await NestFactory.create(AppModule.on(namesrvAddr), { abortOnError: false });
  app.connectMicroservice({ strategy: new RocketMQServer({ group: 'order-service' }) }, { inheritAppConfig: true });
  // SIGTERM stops the intake at once, lets running handlers finish, commits their offsets and closes the producer.
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  await app.listen(port);
  new Logger('order-service').log(`POST and GET ${await app.getUrl()}/orders, bus at ${namesrvAddr}`);
}

const { port, namesrvAddr } = readSettings();
bootstrap(port, namesrvAddr).catch((error: unknown) => exitOnStartError(error, namesrvAddr));
