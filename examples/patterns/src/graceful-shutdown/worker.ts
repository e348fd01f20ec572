import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, RocketMQModule, RocketMQServer } from '@rocknest/client';

/** A consumer process: `worker.js standalone|hybrid TOPIC`. Prints a line for each message that was handled. */
const [kind, topic] = process.argv.slice(2);

@Controller()
class JobController {
  @ConcurrentConsumer({ topic, group: topic, concurrency: 8, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
  async work(@Payload() n: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 5 + (n % 20)));
    process.stdout.write(`handled ${n}\n`);
  }
}

@Module({
  imports: [RocketMQModule.forRoot({ namesrvAddr: process.env['NAMESRV_ADDR'] })],
  controllers: [JobController],
})
class WorkerModule {}

const options = { logger: ['error' as const], abortOnError: false };
const strategy = new RocketMQServer({ drainTimeoutMs: 10_000 });
if (kind === 'hybrid') {
  const app = await NestFactory.create(WorkerModule, options);
  app.connectMicroservice({ strategy });
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
} else {
  const app = await NestFactory.createMicroservice(WorkerModule, { ...options, strategy });
  app.enableShutdownHooks();
  await app.listen();
}
