import { decodeHARuntimeInfo, RequestCode } from '@rocknest/protocol';
import { RawConnection } from '../../test/support/raw-remoting.js';
import type { FrameTemplate } from '../lean/frames.js';
import { Lane } from '../lean/lane.js';
import { percentile } from '../support/statistics.js';
import { pause } from '../support/pause.js';

/** ms between two looks at master and slave, and so what a lag is known to. */
const SAMPLE_MS = 2;
/** Requests in flight on a connection at most: a broker that keeps up has far fewer. */
const MAX_IN_FLIGHT = 4_096;
const CONNECTIONS = 4;

interface Sample {
  readonly atMs: number;
  readonly end: number;
  readonly acknowledged: number;
}

async function sample(connection: RawConnection): Promise<Sample> {
  const { body } = await connection.request(RequestCode.GET_BROKER_HA_STATUS, {});
  const { masterCommitLogMaxOffset: end, haConnectionInfo } = decodeHARuntimeInfo(body);
  return { atMs: performance.now(), end, acknowledged: haConnectionInfo[0]?.slaveAckOffset ?? 0 };
}

/** Until the slave has everything. */
export async function untilCaughtUp(address: string): Promise<void> {
  const connection = await RawConnection.open(address);
  for (;;) {
    const { end, acknowledged } = await sample(connection);
    if (end === acknowledged) break;
    await pause(SAMPLE_MS);
  }
  connection.close();
}

export interface LagResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Sends at a steady rate, and measures how long after the master the slave has, and has reported, each place of the log. */
export async function lagAt(
  address: string,
  perSecond: number,
  seconds: number,
  frames: (index: number) => FrameTemplate,
): Promise<LagResult> {
  let started = 0;
  let answered = 0;
  const startedAt = performance.now();
  const due = (): number => Math.min(seconds, (performance.now() - startedAt) / 1_000) * perSecond;
  const next = (): FrameTemplate | undefined => (started < due() ? frames(started++) : undefined);
  const lanes = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => Lane.open(address, MAX_IN_FLIGHT, next, () => void answered++)),
  );
  const pacer = setInterval(() => {
    for (const lane of lanes) lane.fill();
  }, 1);
  const connection = await RawConnection.open(address);
  const samples: Sample[] = [];
  while (performance.now() - startedAt < seconds * 1_000) {
    samples.push(await sample(connection));
    await pause(SAMPLE_MS);
  }
  const elapsedSeconds = (performance.now() - startedAt) / 1_000;
  const rate = answered / elapsedSeconds;
  clearInterval(pacer);
  while (answered < started) await pause(SAMPLE_MS);
  for (let done = false; !done;) {
    const last = await sample(connection);
    samples.push(last);
    done = last.acknowledged === last.end;
    await pause(SAMPLE_MS);
  }
  for (const lane of lanes) lane.close();
  connection.close();
  const lags = lagsOf(samples).sort((a, b) => a - b);
  return { perSecond: rate, p50Ms: percentile(lags, 0.5), p99Ms: percentile(lags, 0.99), maxMs: lags.at(-1)! };
}

/** For each sample the time until a later one finds at the slave what was the end of the master's log then. */
function lagsOf(samples: readonly Sample[]): number[] {
  const lags: number[] = [];
  let later = 0;
  for (const [index, { atMs, end }] of samples.entries()) {
    later = Math.max(later, index);
    while (later < samples.length && samples[later].acknowledged < end) later++;
    if (later === samples.length) break;
    lags.push(samples[later].atMs - atMs);
  }
  return lags;
}
