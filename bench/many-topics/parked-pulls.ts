import { cpuMicroseconds } from '../../test/support/child.js';
import { pullTemplate } from '../lean/frames.js';
import { Lane } from '../lean/lane.js';
import { pause } from '../support/pause.js';
import type { Queue } from './topic-set.js';

const CONNECTIONS = 20;
/** Until the broker has read all requests. */
const SETTLE_MS = 2_000;

export interface ParkedPulls {
  /** CPU time in microseconds to take one pull and park it. */
  readonly parkMicroseconds: number;
  /** Share of a core while all are parked and no message comes. */
  readonly idleCpuPercent: number;
  /** Pulls that were answered while they should have waited. */
  readonly answered: number;
}

/** Parks pulls at the end of queues and looks at what the broker does while nothing comes. */
export async function parkPulls(
  address: string,
  pid: number,
  queues: readonly Queue[],
  offsets: readonly number[],
  count: number,
  idleSeconds: number,
): Promise<ParkedPulls> {
  const suspendTimeoutMs = (idleSeconds + 30) * 1_000;
  let started = 0;
  let answered = 0;
  const next = (): ReturnType<typeof pullTemplate> | undefined => {
    if (started >= count) return undefined;
    const at = started++ % queues.length;
    return pullTemplate('json', queues[at].topic, queues[at].queueId, offsets[at], suspendTimeoutMs);
  };
  const each = Math.ceil(count / CONNECTIONS);
  const lanes = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => Lane.open(address, each, next, () => void answered++)),
  );
  const before = cpuMicroseconds(pid);
  for (const lane of lanes) lane.fill();
  await pause(SETTLE_MS);
  const parked = cpuMicroseconds(pid);
  await pause(idleSeconds * 1_000);
  const idleCpuPercent = (cpuMicroseconds(pid) - parked) / (idleSeconds * 10_000);
  for (const lane of lanes) lane.close();
  return { parkMicroseconds: (parked - before) / count, idleCpuPercent, answered };
}
