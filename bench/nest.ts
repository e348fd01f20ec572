/**
 * Events through Nest: `emit` in one process, a handler in another, our broker in a third. README.md tells what the figures mean.
 */
import { fileURLToPath } from 'node:url';
import { cpuMicroseconds } from '../test/support/child.js';
import type { ConsumerSettings } from './nest/consumer.js';
import type { EmitResult } from './nest/emit-loads.js';
import { BENCH_TOPIC } from './nest/events.js';
import type { ProducerSettings } from './nest/producer.js';
import type { HandledResult } from './nest/tally.js';
import { BenchProcess, type CpuTime } from './support/bench-process.js';
import { makeTopic, startBus, type Bus } from './support/bus.js';
import { readFlags } from './support/flags.js';
import { percentile, printTable } from './support/statistics.js';

const flags = readFlags(
  {
    rounds: 3,
    count: 200_000,
    inFlight: 256,
    bytes: 1024,
    perSecond: 1_000,
    seconds: 10,
    broker: 'rocknest',
    flush: 'ASYNC_FLUSH',
    build: '.',
    producerNode: '',
    consumerNode: '',
    brokerNode: '',
  },
  {
    rounds: 'times each load runs',
    count: 'events of the load that keeps emits in flight',
    inFlight: 'emits under way in that load',
    bytes: 'bytes of an event',
    perSecond: 'events a second of the paced load',
    seconds: 'length of the paced load',
    broker: 'rocknest or java',
    flush: 'flushDiskType of our broker',
    build: 'folders of built producers and consumers to compare, separated by commas; they take turns',
    producerNode: 'arguments for the node of the producer, such as --cpu-prof',
    consumerNode: 'arguments for the node of the consumer',
    brokerNode: 'arguments for the node of our broker',
  },
);

const QUEUES = 8;
const WARM_UP_EVENTS = 60_000;

const words = (text: string): string[] => text.split(/[ ,]+/).filter((word) => word !== '');

interface Round {
  emitted: EmitResult;
  handled: HandledResult;
  brokerMicroseconds: number;
}

/** The two applications of one build on the bus. */
class Applications {
  private constructor(
    readonly name: string,
    private readonly bus: Bus,
    private readonly producer: BenchProcess,
    private readonly consumer: BenchProcess,
  ) {}

  static async open(bus: Bus, build: string): Promise<Applications> {
    const file = (name: string): string => fileURLToPath(new URL(`${build}/${name}.js`, import.meta.url));
    const producer = new BenchProcess(`producer of ${build}`, file('producer'), words(flags.producerNode));
    const consumer = new BenchProcess(`consumer of ${build}`, file('consumer'), words(flags.consumerNode));
    const { namesrvAddr } = bus;
    const topic = BENCH_TOPIC;
    await consumer.call('open', {
      namesrvAddr,
      topic,
      group: 'bench-nest',
      kind: 'concurrent',
    } satisfies ConsumerSettings);
    await producer.call('open', { namesrvAddr, topic, bodyBytes: flags.bytes } satisfies ProducerSettings);
    return new Applications(build, bus, producer, consumer);
  }

  /** One load from its first emit to its last handler. */
  async run(load: 'flood' | 'pace', argument: Record<string, number>, count: number): Promise<Round> {
    await this.consumer.call('expectEvents', count);
    const before = cpuMicroseconds(this.bus.brokerPid);
    const emitted = await this.producer.call<EmitResult>(load, argument);
    const handled = await this.consumer.call<HandledResult>('handled');
    return { emitted, handled, brokerMicroseconds: cpuMicroseconds(this.bus.brokerPid) - before };
  }

  flood(count: number): Promise<Round> {
    return this.run('flood', { count, inFlight: flags.inFlight }, count);
  }

  pace(): Promise<Round> {
    const { perSecond, seconds } = flags;
    return this.run('pace', { perSecond, seconds }, perSecond * seconds);
  }

  async close(): Promise<void> {
    for (const process of [this.producer, this.consumer]) {
      await process.call('close');
      await process.stop();
    }
  }
}

const cpuOf = (time: CpuTime): number => time.userMicroseconds + time.systemMicroseconds;

function row(name: string, load: string, { emitted, handled, brokerMicroseconds }: Round): string[] {
  const { count } = emitted;
  const perSecond = (count / (handled.lastMs - emitted.firstMs)) * 1_000;
  const latencies = handled.latenciesMs.sort((a, b) => a - b);
  const acknowledgements = emitted.latenciesMs.sort((a, b) => a - b);
  const ms = (sorted: readonly number[], share: number): string =>
    sorted.length === 0 ? '' : percentile(sorted, share).toFixed(2);
  return [
    name,
    load,
    `${(perSecond / 1_000).toFixed(1)} k`,
    `${ms(latencies, 0.5)} / ${ms(latencies, 0.99)} / ${ms(latencies, 1)}`,
    `${ms(acknowledgements, 0.5)} / ${ms(acknowledgements, 0.99)}`,
    (cpuOf(emitted) / count).toFixed(1),
    (cpuOf(handled) / count).toFixed(1),
    (brokerMicroseconds / count).toFixed(1),
    String(handled.repeated),
  ];
}

async function measure(bus: Bus): Promise<void> {
  const builds = words(flags.build);
  const rows: string[][] = [];
  const each = async (use: (applications: Applications) => Promise<void>): Promise<void> => {
    for (const build of builds) {
      // Two members of one group would share the queues: one build at a time.
      const applications = await Applications.open(bus, build);
      await applications.flood(WARM_UP_EVENTS);
      await use(applications);
      await applications.close();
    }
  };
  for (let round = 0; round < flags.rounds; round++) {
    await each(async (applications) => {
      const load = `${flags.inFlight} in flight`;
      if (flags.count > 0) rows.push(row(applications.name, load, await applications.flood(flags.count)));
      const paced = `${flags.perSecond} a second`;
      if (flags.perSecond > 0) rows.push(row(applications.name, paced, await applications.pace()));
    });
  }
  console.log(`${flags.broker}, ${flags.flush}, events of ${flags.bytes} B in ${QUEUES} queues\n`);
  printTable(
    [
      'build',
      'load',
      'events/s end to end',
      'until handled, p50 / p99 / max ms',
      'until acknowledged, p50 / p99 ms',
      'producer us/event',
      'consumer us/event',
      'broker us/event',
      'repeated',
    ],
    rows.sort((a, b) => Number(a[1] > b[1]) - Number(a[1] < b[1])),
  );
}

const bus = await startBus({ broker: flags.broker, flush: flags.flush, nodeArgs: words(flags.brokerNode) });
try {
  await makeTopic(bus, BENCH_TOPIC, QUEUES);
  await measure(bus);
} finally {
  await bus.stop();
}
