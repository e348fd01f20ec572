/** The emitting process of `bench/nest.ts`: a Nest application with a `ClientProxy`. */
import 'reflect-metadata';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { ClientProxy } from '@nestjs/microservices';
import { getClientToken, RocketMQModule } from '@rocknest/client';
import { serveCalls } from '../support/bench-process.js';
import { EmitLoads } from './emit-loads.js';
import { eventText } from './events.js';

export interface ProducerSettings {
  namesrvAddr: string;
  topic: string;
  bodyBytes: number;
}

let app: INestApplicationContext;
let loads: EmitLoads;

async function open({ namesrvAddr, topic, bodyBytes }: ProducerSettings): Promise<void> {
  const module = class ProducerApplication {};
  const imports = [RocketMQModule.forRoot({ namesrvAddr, producer: { group: 'bench-nest' } })];
  app = await NestFactory.createApplicationContext({ module, imports }, { logger: ['error'] });
  loads = new EmitLoads(app.get<ClientProxy>(getClientToken()), topic, eventText(bodyBytes));
}

serveCalls({
  open,
  flood: (load: { count: number; inFlight: number }) => loads.flood(load),
  pace: (load: { perSecond: number; seconds: number }) => loads.pace(load),
  close: () => app.close(),
});
