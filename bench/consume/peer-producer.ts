/** The emitting process for Nest's transports of RabbitMQ and Kafka. */
import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { type ClientProxy, ClientProxyFactory } from '@nestjs/microservices';
import { EmitLoads } from '../nest/emit-loads.js';
import { eventText } from '../nest/events.js';
import { serveCalls } from '../support/bench-process.js';
import { kafkaOptions, type PeerSettings, rabbitmqOptions } from './peer-options.js';

let client: ClientProxy;
let loads: EmitLoads;

async function open(settings: PeerSettings): Promise<void> {
  client =
    settings.kind === 'rabbitmq'
      ? ClientProxyFactory.create({
          ...rabbitmqOptions(settings),
          // A client that emits consumes nothing.
          options: { ...rabbitmqOptions(settings).options, noAck: true },
        })
      : ClientProxyFactory.create(kafkaOptions(settings));
  await client.connect();
  loads = new EmitLoads(client, settings.topic, eventText(settings.bodyBytes));
}

// kafkajs reports each election of a leader while topics are made.
Logger.overrideLogger(['fatal']);
serveCalls({
  open,
  flood: (load: { count: number; inFlight: number }) => loads.flood(load),
  pace: (load: { perSecond: number; seconds: number }) => loads.pace(load),
  close: () => client.close(),
});
