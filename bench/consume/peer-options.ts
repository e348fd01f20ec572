import { type MicroserviceOptions, type RmqOptions, type KafkaOptions, Transport } from '@nestjs/microservices';

export type PeerKind = 'rabbitmq' | 'kafka';

export interface PeerSettings {
  kind: PeerKind;
  address: string;
  topic: string;
  group: string;
  bodyBytes: number;
  /** Messages that RabbitMQ hands out before the first is acknowledged; partitions that kafkajs handles at once. */
  inFlight: number;
  partitions: number;
}

/** Durable on both sides: persistent messages, a handler's end acknowledges. */
export function rabbitmqOptions({ address, topic, inFlight }: PeerSettings): RmqOptions {
  return {
    transport: Transport.RMQ,
    options: {
      urls: [address],
      queue: topic,
      queueOptions: { durable: true },
      persistent: true,
      noAck: false,
      prefetchCount: inFlight,
    },
  };
}

export function kafkaOptions({ address, group, partitions }: PeerSettings): KafkaOptions {
  return {
    transport: Transport.KAFKA,
    options: {
      client: { clientId: 'bench', brokers: [address], logLevel: 1 },
      consumer: { groupId: group, allowAutoTopicCreation: true },
      subscribe: { fromBeginning: true },
      run: { autoCommit: true, partitionsConsumedConcurrently: partitions },
      producerOnlyMode: true,
    },
  };
}

export function serverOptions(settings: PeerSettings): MicroserviceOptions {
  return settings.kind === 'rabbitmq' ? rabbitmqOptions(settings) : kafkaOptions(settings);
}
