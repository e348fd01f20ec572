import { Controller, Inject, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import {
  AllocateMessageQueueAveragelyByCircle,
  ConcurrentConsumer,
  getProducerToken,
  RocketMQModule,
  RocketMQServer,
  type RocketMQProducer,
} from '@rocknest/client';
import type { Pattern } from '../pattern.js';

interface Parcel {
  readonly run: string;
  readonly n: number;
}

const TOPIC = 'pattern-rebalance';
const PARCELS = 40;
const MEMBER = Symbol('member');

/** Parcel -> the member that handled it last. */
const handledBy = new Map<string, string>();

@Controller()
class ParcelController {
  constructor(@Inject(MEMBER) private readonly member: string) {}

  // Every member of the group must have the same strategy. Without one the queues are shared out averagely.
  @ConcurrentConsumer({
    topic: TOPIC,
    group: 'pattern-rebalance',
    allocateMessageQueueStrategy: new AllocateMessageQueueAveragelyByCircle(),
  })
  deliver(@Payload() parcel: Parcel): void {
    handledBy.set(`${parcel.run}-${parcel.n}`, this.member);
  }
}

async function start(member: string, namesrvAddr: string): Promise<INestMicroservice> {
  @Module({
    imports: [RocketMQModule.forRoot({ namesrvAddr })],
    controllers: [ParcelController],
    providers: [{ provide: MEMBER, useValue: member }],
  })
  class AppModule {}

  const app = await NestFactory.createMicroservice(AppModule, {
    strategy: new RocketMQServer(),
    abortOnError: false,
    logger: ['warn', 'error'],
  });
  await app.listen();
  return app;
}

const pattern: Pattern = {
  about: 'members that join and leave, and the queues that are shared out among them',
  async run({ namesrvAddr, runId, say, until }) {
    const first = await start('first', namesrvAddr);
    const producer = first.get<RocketMQProducer>(getProducerToken());
    let sent = 0;
    const send = async (): Promise<void> => {
      for (let n = 0; n < PARCELS; n++) {
        await producer.send({ topic: TOPIC, body: { run: runId, n: sent++ } satisfies Parcel });
      }
    };
    const members = (): Set<string> =>
      new Set([...handledBy].filter(([key]) => key.startsWith(runId)).map(([, member]) => member));
    const handled = (): number => [...handledBy.keys()].filter((key) => key.startsWith(runId)).length;

    await send();
    await until('the only member to have handled all', () => handled() === sent);
    const second = await start('second', namesrvAddr);
    await until('both members to have queues', async () => {
      await send();
      return members().size === 2;
    });
    await until('everything to be handled', () => handled() === sent);
    say(`${handled()} parcels handled by two members`);
    await second.close();
    await send();
    await until('the member that is left to have handled the rest', () => handled() === sent);
    say(`${handled()} parcels after one of them left`);
    await first.close();
  },
};

export default pattern;
