import { Contestant, type Measurement } from '../support/contestant.js';
import { startJava, startOurs, type RunningBroker } from './brokers.js';
import { listLoads, LOAD_QUEUES, LOAD_TOPICS, warmUpLines, type Load, type LoadCounts } from './loads.js';

/** Measurements of each round, by the names of load and broker. */
export type Results = Record<string, Record<string, Measurement[]>>;

function record(results: Results, load: Load, name: string, measurement: Measurement): void {
  ((results[load.name] ??= {})[name] ??= []).push(measurement);
}

async function contestantOf(broker: RunningBroker, topics: string[], clientVersion: string): Promise<Contestant> {
  const contestant = new Contestant(broker.name, broker.namesrvAddr, broker.pid, clientVersion);
  await contestant.prepare(Object.fromEntries(topics.map((topic) => [topic, LOAD_QUEUES])));
  return contestant;
}

/** Both brokers run all the time and are warm; they take turns within each load. */
export async function measureWarm(
  brokers: RunningBroker[],
  counts: LoadCounts,
  rounds: number,
  clientVersion: string,
): Promise<Results> {
  const results: Results = {};
  const loads = listLoads(counts);
  const contestants: Contestant[] = [];
  try {
    for (const broker of brokers) {
      const contestant = await contestantOf(broker, LOAD_TOPICS, clientVersion);
      contestants.push(contestant);
      for (const line of warmUpLines(counts)) await contestant.measure(line);
    }
    for (const load of loads) {
      for (let round = 0; round < rounds; round++) {
        for (const contestant of contestants)
          record(results, load, contestant.name, await contestant.measure(load.line(round)));
      }
      console.log(`  ${load.name}: measured`);
    }
  } finally {
    for (const contestant of contestants) await contestant.stop();
  }
  return results;
}

/** Each round has brokers that have just started and go through all loads once, in their order: what was measured before has warmed what follows. */
export async function measureInOrder(counts: LoadCounts, rounds: number, clientVersion: string): Promise<Results> {
  const results: Results = {};
  const loads = listLoads(counts);
  for (let round = 0; round < rounds; round++) {
    for (const start of [startJava, startOurs]) {
      const broker = await start();
      try {
        const contestant = await contestantOf(broker, LOAD_TOPICS, clientVersion);
        try {
          for (const load of loads) {
            if (load.prepare !== undefined) await contestant.measure(load.prepare);
            record(results, load, broker.name, await contestant.measure(load.line(round)));
          }
        } finally {
          await contestant.stop();
        }
      } finally {
        await broker.stop();
      }
    }
    console.log(`  round ${round + 1}: measured`);
  }
  return results;
}

/** Each measurement has a broker and a load generator of its own that have just started. */
export async function measureJustStarted(counts: LoadCounts, rounds: number, clientVersion: string): Promise<Results> {
  const results: Results = {};
  for (const load of listLoads(counts)) {
    for (let round = 0; round < rounds; round++) {
      for (const start of [startJava, startOurs]) {
        const broker = await start();
        try {
          const contestant = await contestantOf(broker, [load.topic], clientVersion);
          try {
            if (load.prepare !== undefined) await contestant.measure(load.prepare);
            record(results, load, broker.name, await contestant.measure(load.line(round)));
          } finally {
            await contestant.stop();
          }
        } finally {
          await broker.stop();
        }
      }
    }
    console.log(`  ${load.name}: measured`);
  }
  return results;
}
