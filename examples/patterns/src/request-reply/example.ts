import { Controller } from '@nestjs/common';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { MQAdmin } from '@rocknest/client-core';
import { getClientToken, ROCKETMQ_TRANSPORT, type RocketMQClient } from '@rocknest/client';
import { firstValueFrom } from 'rxjs';
import { startExampleApp } from '../app.js';
import type { Pattern } from '../pattern.js';

const TOPIC = 'pattern-request-reply';
const REQUESTS = 10;

@Controller()
class PriceController {
  // What it returns goes to whoever asked, what it throws too.
  @MessagePattern(`${TOPIC}:quote`, ROCKETMQ_TRANSPORT, { group: 'pattern-request-reply' })
  quote(@Payload() amount: number): { total: number } {
    if (amount < 0) throw new RpcException('an amount is 0 or more');
    return { total: amount * 2 };
  }
}

const pattern: Pattern = {
  about: 'ClientProxy.send() waits for what a @MessagePattern handler of any instance returns',
  async run({ namesrvAddr, say, until }) {
    const admin = new MQAdmin({ namesrvAddr });
    await admin.start();
    await admin.createTopic(TOPIC, { readQueueNums: 4, writeQueueNums: 4 });
    await admin.shutdown();
    const apps = [
      await startExampleApp(namesrvAddr, [PriceController]),
      await startExampleApp(namesrvAddr, [PriceController]),
    ];
    const client = apps[0].app.get<RocketMQClient>(getClientToken());
    const ask = (amount: number): Promise<{ total: number }> =>
      firstValueFrom(client.send<{ total: number }, number>(`${TOPIC}:quote`, amount));
    await until('the first answer', async () => (await ask(1).catch(() => undefined)) !== undefined);

    const totals = await Promise.all(Array.from({ length: REQUESTS }, (_, n) => ask(n)));
    say(`${REQUESTS} questions at once, totals ${totals.map(({ total }) => total).join(' ')}`);
    const refused = await ask(-1).catch((error: unknown) => error as { message: string });
    say(`a wrong question: ${JSON.stringify(refused)}`);
    for (const { app } of apps) await app.close();
    if (totals.some(({ total }, n) => total !== n * 2)) throw new Error('an answer went to another question');
    if (!('message' in refused)) throw new Error('the error did not come');
  },
};

export default pattern;
