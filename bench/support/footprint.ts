import { cpuMicroseconds, residentBytes } from '../../test/support/child.js';
import { BrokerProcess } from '../../test/support/rocknest-process.js';

const MIB = 1024 * 1024;

export interface Idle {
  residentMiB: number;
  cpuPercent: number;
}

/** Milliseconds from `node main.js` to a registered broker that accepts connections, on an empty store each time. */
export async function measureStarts(count: number): Promise<number[]> {
  const starts: number[] = [];
  for (let round = 0; round < count; round++) {
    const broker = await BrokerProcess.create();
    try {
      starts.push(await broker.start());
    } finally {
      await broker.remove();
    }
  }
  return starts;
}

/** Memory, and the share of one core, of a process that nobody talks to for `seconds`. */
export async function measureIdle(pid: number, seconds: number): Promise<Idle> {
  const before = cpuMicroseconds(pid);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const cpuPercent = (cpuMicroseconds(pid) - before) / (seconds * 10_000);
  return { residentMiB: residentBytes(pid) / MIB, cpuPercent };
}

const QUIET_CPU_PERCENT = 2;
const QUIET_STEP_SECONDS = 2;

/** Waits until a process does next to nothing, `limitSeconds` at most. */
export async function untilQuiet(pid: number, limitSeconds: number): Promise<{ seconds: number; cpuSeconds: number }> {
  const before = cpuMicroseconds(pid);
  let seconds = 0;
  for (let busy = true; busy && seconds < limitSeconds; seconds += QUIET_STEP_SECONDS) {
    // The store itself waits a while before it does what nobody is waiting for.
    const step = seconds === 0 ? QUIET_STEP_SECONDS * 2 : QUIET_STEP_SECONDS;
    const { cpuPercent } = await measureIdle(pid, step);
    busy = seconds === 0 || cpuPercent > QUIET_CPU_PERCENT;
    if (seconds === 0) seconds += step - QUIET_STEP_SECONDS;
  }
  return { seconds, cpuSeconds: (cpuMicroseconds(pid) - before) / 1_000_000 };
}
