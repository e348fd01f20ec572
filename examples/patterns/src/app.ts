import { Module, type INestMicroservice, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getProducerToken, RocketMQModule, RocketMQServer, type RocketMQProducer } from '@rocknest/client';

/** A microservice with these controllers, listening, and its producer. */
export async function startExampleApp(
  namesrvAddr: string,
  controllers: Type[],
): Promise<{ app: INestMicroservice; producer: RocketMQProducer; server: RocketMQServer }> {
  @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr })], controllers })
  class AppModule {}

  const server = new RocketMQServer();
  const app = await NestFactory.createMicroservice(AppModule, {
    strategy: server,
    abortOnError: false,
    logger: ['error'],
  });
  await app.listen();
  return { app, producer: app.get<RocketMQProducer>(getProducerToken()), server };
}
