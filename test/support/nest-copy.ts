import 'reflect-metadata';
import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, RocketMQContext, RocketMQModule, RocketMQServer } from '@rocknest/client';
import { HandlingLog } from './handling-log.js';
import type { NestCopySettings } from './nest-copy-settings.js';

/** One copy of a Nest application in a process of its own, as a user writes it: writes each handling down, and stops at SIGTERM as Nest does. */
const { namesrvAddr, topic, group, mode, logFile } = JSON.parse(process.argv[2]) as NestCopySettings;
const log = new HandlingLog(logFile);
/** Some run at any moment, and those of one queue end in another order than they began. */
const HANDLER_MS = [15, 3, 9];

@Controller()
class CopyController {
  @ConcurrentConsumer({
    topic,
    group,
    mode,
    deserializer: 'json',
    concurrency: 8,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  })
  async handle(@Payload() number: number, @Ctx() context: RocketMQContext): Promise<void> {
    const { queueId, queueOffset } = context.getMessage();
    log.begins(queueId, queueOffset, number);
    await new Promise((resolve) => setTimeout(resolve, HANDLER_MS[Math.abs(number) % HANDLER_MS.length]));
    log.ends(queueId, queueOffset, true);
  }
}

const app = await NestFactory.createMicroservice(
  {
    module: class CopyModule {},
    imports: [RocketMQModule.forRoot({ namesrvAddr })],
    controllers: [CopyController],
  },
  { strategy: new RocketMQServer(), logger: ['error', 'warn'] },
);
app.enableShutdownHooks();
await app.listen();
console.log('listening');
