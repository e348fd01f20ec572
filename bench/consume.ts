/**
 * Consumption through Nest handlers: orderly, concurrent and pop on our broker, concurrent and pop on the official Java broker, and Nest's transports of
 * RabbitMQ (amqplib) and Kafka (kafkajs) beside them. README.md tells what the figures mean.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireToolchain } from '../test/interop/support/toolchain.js';
import { cpuMicroseconds } from '../test/support/child.js';
import { projectRoot } from '../test/support/project-root.js';
import { kafkaMissing, startKafka } from './consume/kafka.js';
import type { PeerKind, PeerSettings } from './consume/peer-options.js';
import type { PeerServer } from './consume/peer-server.js';
import { rabbitmqMissing, startRabbitmq } from './consume/rabbitmq.js';
import type { ConsumerSettings } from './nest/consumer.js';
import type { EmitResult } from './nest/emit-loads.js';
import type { ProducerSettings } from './nest/producer.js';
import type { HandledResult } from './nest/tally.js';
import { BenchProcess, type CpuTime } from './support/bench-process.js';
import { makeTopic, startBus } from './support/bus.js';
import { readFlags } from './support/flags.js';
import { median, percentile, printTable } from './support/statistics.js';

const flags = readFlags(
  {
    rounds: 3,
    count: 60_000,
    inFlight: 256,
    bytes: 1024,
    perSecond: 1_000,
    seconds: 5,
    only: 'concurrent,orderly,pop,java-concurrent,java-pop,rabbitmq,kafka',
  },
  {
    rounds: 'times each load runs; medians are printed',
    count: 'events of the backlog and of the flood',
    inFlight: 'emits under way',
    bytes: 'bytes of an event',
    perSecond: 'events a second of the paced load',
    seconds: 'length of the paced load',
    only: 'who takes part, separated by commas',
  },
);

const QUEUES = 8;
const WARM_UP_EVENTS = 20_000;
const PEERS = join(projectRoot, 'bench/peers');

/** Who takes part: processes for emitting and handling, and the broker between them. */
interface Contestant {
  name: string;
  brokerPid: number;
  producer: BenchProcess;
  openConsumer(): Promise<BenchProcess>;
  close(): Promise<void>;
}

const wanted = flags.only.split(',').map((name) => name.trim());
const ours = ['concurrent', 'orderly', 'pop'] as const;
/** The same client and handlers on the official broker. */
const onJava = ['concurrent', 'pop'] as const;
const file = (name: string): string => fileURLToPath(new URL(`${name}.js`, import.meta.url));

async function closeProcess(process: BenchProcess): Promise<void> {
  await process.call('close');
  await process.stop();
}

const nameOf = (kind: string, broker: 'rocknest' | 'java'): string =>
  `${broker === 'java' ? 'Java broker, our client' : 'Rocknest'}, ${kind}`;

async function openOurs(kind: ConsumerSettings['kind'], broker: 'rocknest' | 'java'): Promise<Contestant> {
  const bus = await startBus({ broker, flush: 'ASYNC_FLUSH', nodeArgs: [] });
  const topic = `bench-${kind}`;
  await makeTopic(bus, topic, QUEUES);
  const { namesrvAddr } = bus;
  const producer = new BenchProcess(`producer for ${kind}`, file('producer'), []);
  await producer.call('open', { namesrvAddr, topic, bodyBytes: flags.bytes } satisfies ProducerSettings);
  return {
    name: nameOf(kind, broker),
    brokerPid: bus.brokerPid,
    producer,
    openConsumer: async () => {
      const consumer = new BenchProcess(`consumer, ${kind}`, file('consumer'), []);
      const settings = { namesrvAddr, topic, group: `bench-${kind}`, kind } satisfies ConsumerSettings;
      return expecting(consumer, settings);
    },
    close: async () => {
      await closeProcess(producer);
      await bus.stop();
    },
  };
}

async function openPeer(kind: PeerKind, server: PeerServer): Promise<Contestant> {
  const settings: PeerSettings = {
    kind,
    address: server.address,
    topic: 'bench-nest',
    group: 'bench-nest',
    bodyBytes: flags.bytes,
    inFlight: flags.inFlight,
    partitions: QUEUES,
  };
  const program = (name: string): string => join(PEERS, 'dist', `${name}.js`);
  const producer = new BenchProcess(`producer for ${kind}`, program('peer-producer'), []);
  await producer.call('open', settings);
  return {
    name: kind === 'kafka' ? 'Kafka, kafkajs' : 'RabbitMQ, amqplib',
    brokerPid: server.brokerPid,
    producer,
    openConsumer: () => expecting(new BenchProcess(`consumer of ${kind}`, program('peer-consumer'), []), settings),
    close: async () => {
      await closeProcess(producer);
      await server.stop();
    },
  };
}

/** A consumer that counts from the first event on. */
async function expecting(consumer: BenchProcess, settings: unknown): Promise<BenchProcess> {
  await consumer.call('expectEvents', flags.count);
  await consumer.call('open', settings);
  return consumer;
}

const cpuOf = (time: CpuTime): number => time.userMicroseconds + time.systemMicroseconds;

interface Figures {
  backlogPerSecond: number;
  backlogConsumerMicroseconds: number;
  floodPerSecond: number;
  producerMicroseconds: number;
  consumerMicroseconds: number;
  brokerMicroseconds: number;
  p50Ms: number;
  p99Ms: number;
  repeated: number;
}

async function run(
  contestant: Contestant,
  consumer: BenchProcess,
  load: 'flood' | 'pace',
  argument: Record<string, number>,
  count: number,
): Promise<{ emitted: EmitResult; handled: HandledResult; brokerMicroseconds: number }> {
  await consumer.call('expectEvents', count);
  const before = cpuMicroseconds(contestant.brokerPid);
  const emitted = await contestant.producer.call<EmitResult>(load, argument);
  const handled = await consumer.call<HandledResult>('handled');
  return { emitted, handled, brokerMicroseconds: cpuMicroseconds(contestant.brokerPid) - before };
}

async function measure(contestant: Contestant): Promise<Figures> {
  const { count, inFlight, perSecond, seconds } = flags;
  // The backlog: everything is there before the consumer starts.
  await contestant.producer.call('flood', { count, inFlight });
  const consumer = await contestant.openConsumer();
  const backlog = await consumer.call<HandledResult>('handled');
  await run(contestant, consumer, 'flood', { count: WARM_UP_EVENTS, inFlight }, WARM_UP_EVENTS);
  const flood = await run(contestant, consumer, 'flood', { count, inFlight }, count);
  const paced = await run(contestant, consumer, 'pace', { perSecond, seconds }, perSecond * seconds);
  await closeProcess(consumer);
  const latencies = paced.handled.latenciesMs.sort((a, b) => a - b);
  return {
    backlogPerSecond: (count / (backlog.lastMs - backlog.firstMs)) * 1_000,
    backlogConsumerMicroseconds: cpuOf(backlog) / count,
    floodPerSecond: (count / (flood.handled.lastMs - flood.emitted.firstMs)) * 1_000,
    producerMicroseconds: cpuOf(flood.emitted) / count,
    consumerMicroseconds: cpuOf(flood.handled) / count,
    brokerMicroseconds: flood.brokerMicroseconds / count,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    repeated: backlog.repeated + flood.handled.repeated + paced.handled.repeated,
  };
}

/** Why a peer is left out; undefined when it takes part. */
function reasonToLeaveOut(kind: PeerKind): string | undefined {
  if (!existsSync(join(PEERS, 'node_modules'))) return 'run "npm install --prefix bench/peers" first';
  return kind === 'rabbitmq' ? rabbitmqMissing() : kafkaMissing();
}

/** The official broker is left out where there is no JDK or Maven. */
async function openJava(contestants: Contestant[]): Promise<void> {
  const kinds = onJava.filter((kind) => wanted.includes(`java-${kind}`));
  if (kinds.length === 0) return;
  try {
    requireToolchain();
  } catch (error) {
    console.log(`the Java broker is left out: ${(error as Error).message}`);
    return;
  }
  for (const kind of kinds) contestants.push(await openOurs(kind, 'java'));
}

/** Opens those who take part, one after the other, into `contestants`. */
async function openAll(contestants: Contestant[]): Promise<void> {
  for (const kind of ours) if (wanted.includes(kind)) contestants.push(await openOurs(kind, 'rocknest'));
  await openJava(contestants);
  for (const kind of ['rabbitmq', 'kafka'] as const) {
    if (!wanted.includes(kind)) continue;
    const reason = reasonToLeaveOut(kind);
    if (reason !== undefined) console.log(`${kind} is left out: ${reason}`);
    else contestants.push(await openPeer(kind, await (kind === 'rabbitmq' ? startRabbitmq() : startKafka(QUEUES))));
  }
}

function report(results: Map<string, Figures[]>): void {
  console.log(`\nevents of ${flags.bytes} B, ${QUEUES} queues or partitions, medians of ${flags.rounds} rounds\n`);
  const rows = [...results].map(([name, figures]) => {
    const of = (key: keyof Figures, digits: number): string => median(figures.map((one) => one[key])).toFixed(digits);
    const sum = (key: keyof Figures): string => String(figures.reduce((total, one) => total + one[key], 0));
    return [
      name,
      of('backlogPerSecond', 0),
      of('backlogConsumerMicroseconds', 1),
      of('floodPerSecond', 0),
      `${of('producerMicroseconds', 1)} / ${of('consumerMicroseconds', 1)} / ${of('brokerMicroseconds', 1)}`,
      `${of('p50Ms', 2)} / ${of('p99Ms', 2)}`,
      sum('repeated'),
    ];
  });
  printTable(
    [
      'through Nest handlers',
      'backlog, events/s',
      'consumer us/event',
      `${flags.inFlight} in flight, events/s end to end`,
      'producer / consumer / broker us/event',
      `${flags.perSecond} a second: p50 / p99 ms`,
      'repeated',
    ],
    rows,
  );
}

/** Shares of our broker in what the Java broker needs, with the same client and handlers. */
function reportRatios(results: Map<string, Figures[]>): void {
  const rows = onJava.flatMap((kind) => {
    const [mine, theirs] = [results.get(nameOf(kind, 'rocknest')), results.get(nameOf(kind, 'java'))];
    if (mine === undefined || theirs === undefined) return [];
    const ratio = (key: keyof Figures): string =>
      (median(mine.map((one) => one[key])) / median(theirs.map((one) => one[key]))).toFixed(2);
    return [
      [
        kind,
        ratio('backlogPerSecond'),
        ratio('floodPerSecond'),
        ratio('brokerMicroseconds'),
        ratio('p50Ms'),
        ratio('p99Ms'),
      ],
    ];
  });
  if (rows.length === 0) return;
  console.log('\nRocknest against Java\n');
  printTable(['', 'backlog, events/s', 'in flight, events/s', 'broker CPU', 'p50', 'p99'], rows);
}

const contestants: Contestant[] = [];
try {
  await openAll(contestants);
  const results = new Map<string, Figures[]>();
  for (let round = 0; round < flags.rounds; round++) {
    for (const contestant of contestants) {
      const figures = await measure(contestant);
      results.set(contestant.name, [...(results.get(contestant.name) ?? []), figures]);
      console.log(`  round ${round + 1}, ${contestant.name}: measured`);
    }
  }
  report(results);
  reportRatios(results);
} finally {
  for (const contestant of contestants) await contestant.close();
}
