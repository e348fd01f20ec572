/** A replying process of `bench/request-reply.ts`: a Nest microservice whose handler returns what it got. */
import 'reflect-metadata';
import { Controller, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { ROCKETMQ_TRANSPORT, RocketMQModule, RocketMQServer } from '@rocknest/client';
import { cpuTimeSince, serveCalls, type CpuTime } from '../support/bench-process.js';
import { REQUEST_GROUP, REQUEST_TOPIC, type Question } from './questions.js';

export interface ReplierSettings {
  namesrvAddr: string;
}

export interface ReplierResult extends CpuTime {
  answered: number;
}

let answered = 0;
let cpuBefore = process.cpuUsage();
let app: INestMicroservice;

@Controller()
class EchoHandler {
  @MessagePattern(REQUEST_TOPIC, ROCKETMQ_TRANSPORT, { group: REQUEST_GROUP })
  echo(@Payload() question: Question): Question {
    answered++;
    return question;
  }
}

async function open({ namesrvAddr }: ReplierSettings): Promise<void> {
  app = await NestFactory.createMicroservice(
    {
      module: class ReplierApplication {},
      imports: [RocketMQModule.forRoot({ namesrvAddr })],
      controllers: [EchoHandler],
    },
    {
      strategy: new RocketMQServer({ consumer: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } }),
      logger: ['error', 'warn'],
    },
  );
  await app.listen();
}

/** From now on the answers and the CPU time of one load are counted. */
function begin(): void {
  answered = 0;
  cpuBefore = process.cpuUsage();
}

serveCalls({
  open,
  begin,
  result: (): ReplierResult => ({ answered, ...cpuTimeSince(cpuBefore) }),
  close: () => app.close(),
});
