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
