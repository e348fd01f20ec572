/** How many messages each load has; 0 leaves it out. */
export interface LoadCounts {
  sync: number;
  async: number;
  batch: number;
  transactions: number;
  catchup: number;
  paced: number;
  /** Runs only the loads whose name contains this. */
  only: string;
}

export interface Load {
  name: string;
  topic: string;
  /** What must have been sent before; not measured. */
  prepare: string | undefined;
  /** A line of the load command for one round. */
  line: (round: number) => string;
}

const TOPIC = 'bench';
const CATCH_UP_TOPIC = 'bench-catchup';
const PACED_TOPIC = 'bench-paced';
const PACED_PER_SECOND = 2_000;
export const LOAD_TOPICS = [TOPIC, CATCH_UP_TOPIC, PACED_TOPIC];
/** Queues of each topic. */
export const LOAD_QUEUES = 8;
const WARM_UP_MESSAGES = 30_000;

function send(kind: string, size: number, inFlight: number, count: number): Load {
  const line = `${kind} topic=${TOPIC} size=${size} inFlight=${inFlight} count=${count}`;
  return { name: `${kind}, ${inFlight} in flight, ${size} B`, topic: TOPIC, prepare: undefined, line: () => line };
}

/** What a catch-up reads later. */
function storedForCatchUp(counts: LoadCounts): string {
  return `batch topic=${CATCH_UP_TOPIC} size=1024 count=${counts.catchup}`;
}

function pacedLine(count: number): string {
  return `paced topic=${PACED_TOPIC} group=GID_bench_paced size=1024 rate=${PACED_PER_SECOND} count=${count}`;
}

export function listLoads(counts: LoadCounts): Load[] {
  const { sync, async: asynchronous, batch, transactions, catchup, paced } = counts;
  const list: Load[] = [];
  if (sync > 0) list.push(send('sync', 128, 64, sync), send('sync', 1024, 64, sync));
  if (asynchronous > 0) list.push(send('async', 128, 1024, asynchronous), send('async', 1024, 1024, asynchronous));
  if (batch > 0) list.push({ ...send('batch', 1024, 4, batch), name: 'batches of 32, 4 in flight, 1024 B' });
  if (transactions > 0) list.push(send('transaction', 1024, 64, transactions));
  if (catchup > 0) {
    list.push({
      name: `catch-up of ${catchup}, 1024 B`,
      topic: CATCH_UP_TOPIC,
      prepare: storedForCatchUp(counts),
      line: (round) => `catchup topic=${CATCH_UP_TOPIC} group=GID_bench_${round} count=${catchup}`,
    });
  }
  if (paced > 0) {
    const line = pacedLine(paced);
    list.push({
      name: `end to end at ${PACED_PER_SECOND}/s, 1024 B`,
      topic: PACED_TOPIC,
      prepare: undefined,
      line: () => line,
    });
  }
  return list.filter((load) => load.name.includes(counts.only));
}

/** Lines that run once before anything is measured, so that both compilers are through with what is measured. */
export function warmUpLines(counts: LoadCounts): string[] {
  const lines = [
    `async topic=${TOPIC} size=1024 inFlight=1024 count=${WARM_UP_MESSAGES}`,
    `sync topic=${TOPIC} size=128 inFlight=64 count=${WARM_UP_MESSAGES}`,
  ];
  if (counts.transactions > 0) {
    lines.push(`transaction topic=${TOPIC} size=1024 inFlight=64 count=${counts.transactions}`);
  }
  if (counts.catchup > 0) {
    lines.push(
      storedForCatchUp(counts),
      `catchup topic=${CATCH_UP_TOPIC} group=GID_bench_warm count=${counts.catchup}`,
    );
  }
  if (counts.paced > 0) lines.push(pacedLine(counts.paced));
  return lines;
}
