/** The asking process of `bench/request-reply.ts`: a Nest application whose `ClientProxy.send()` waits for each answer. */
import 'reflect-metadata';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { RocketMQClient } from '@rocknest/client';
import { RocketMQModule, getClientToken } from '@rocknest/client';
import { firstValueFrom } from 'rxjs';
import { cpuTimeSince, serveCalls, type CpuTime } from '../support/bench-process.js';
import { REQUEST_TOPIC, type Question } from './questions.js';

export interface AskerSettings {
  namesrvAddr: string;
  bodyBytes: number;
}

export interface AskLoad {
  count: number;
  inFlight: number;
}

export interface AskResult extends CpuTime {
  elapsedMs: number;
  /** Of each call, in the order of their answers. */
  latenciesMs: number[];
  /** Answers to other questions: none. */
  wrong: number;
}

const REQUEST_TIMEOUT_MS = 30_000;

let app: INestApplicationContext;
let client: RocketMQClient;
let text = '';

async function open({ namesrvAddr, bodyBytes }: AskerSettings): Promise<void> {
  const module = class AskerApplication {};
  const producer = { group: 'bench-asker', sendMsgTimeoutMs: REQUEST_TIMEOUT_MS };
  app = await NestFactory.createApplicationContext(
    { module, imports: [RocketMQModule.forRoot({ namesrvAddr, producer })] },
    { logger: ['error'] },
  );
  client = app.get<RocketMQClient>(getClientToken());
  text = 'x'.repeat(bodyBytes);
}

/** Asks until `count` questions are answered, with so many under way. */
async function ask({ count, inFlight }: AskLoad): Promise<AskResult> {
  const latenciesMs: number[] = [];
  let wrong = 0;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const n = next++;
      const startedMs = performance.now();
      const answer = await firstValueFrom(client.send<Question, Question>(REQUEST_TOPIC, { n, text }));
      latenciesMs.push(performance.now() - startedMs);
      if (answer.n !== n) wrong++;
    }
  };
  const before = process.cpuUsage();
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { elapsedMs: performance.now() - startedMs, latenciesMs, wrong, ...cpuTimeSince(before) };
}

serveCalls({ open, ask, close: () => app.close() });
