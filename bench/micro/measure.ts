/** Repeats of a measurement; the fastest one disturbs least with what else the machine does. */
const ROUNDS = 7;
const ROUND_MS = 150;

/** CPU time of one call of `run`, in nanoseconds: the best of several rounds, user and system time. */
export function measure(name: string, run: () => unknown): number {
  let calls = 100;
  let spentMs = 0;
  while (spentMs < 20) {
    calls *= 2;
    spentMs = cpuMs(run, calls);
  }
  calls = Math.ceil((calls * ROUND_MS) / spentMs);
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) best = Math.min(best, (cpuMs(run, calls) * 1e6) / calls);
  console.log(`${name.padEnd(64)} ${best.toFixed(0).padStart(7)} ns`);
  return best;
}

/** Keeps results alive, so that the engine cannot drop the calls. */
let sink: unknown;

function cpuMs(run: () => unknown, calls: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < calls; i++) sink = run();
  const { user, system } = process.cpuUsage(before);
  if (sink === cpuMs) throw new Error('unreachable');
  return (user + system) / 1000;
}
