import { cpuMicroseconds } from '../../test/support/child.js';
import type { FrameTemplate } from './frames.js';
import { Lane } from './lane.js';

export interface DriveOptions {
  readonly address: string;
  /** Process whose CPU time is counted. */
  readonly pid: number;
  readonly connections: number;
  /** Requests in flight over all connections. */
  readonly inFlight: number;
  readonly calls: number;
  /** What one answer stands for. */
  readonly messagesPerCall: number;
  readonly frames: (index: number) => FrameTemplate;
}

export interface DriveResult {
  perSecond: number;
  /** CPU time of the broker's whole process for each message. */
  cpuMicroseconds: number;
  /** Requests answered with an error: the Java broker refuses what waited for more than 200 ms. */
  refused: number;
}

/** Sends `calls` frames, `inFlight` at a time, and waits for every answer. */
export async function drive(options: DriveOptions): Promise<DriveResult> {
  const { address, pid, connections, inFlight, calls, messagesPerCall, frames } = options;
  let started = 0;
  let answered = 0;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const next = (): FrameTemplate | undefined => (started < calls ? frames(started++) : undefined);
  const answer = (): void => {
    if (++answered === calls) finish();
  };
  const lanes = await Promise.all(
    Array.from({ length: connections }, () => Lane.open(address, Math.ceil(inFlight / connections), next, answer)),
  );
  const cpuBefore = cpuMicroseconds(pid);
  const startedAt = performance.now();
  for (const lane of lanes) lane.fill();
  await finished;
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = cpuMicroseconds(pid) - cpuBefore;
  const refused = lanes.reduce((sum, lane) => sum + lane.refused, 0);
  for (const lane of lanes) lane.close();
  const done = (calls - refused) * messagesPerCall;
  return { perSecond: done / seconds, cpuMicroseconds: cpu / done, refused };
}
