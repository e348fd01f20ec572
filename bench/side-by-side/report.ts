import type { Measurement } from '../support/contestant.js';
import { median, printTable, rates, spread } from '../support/statistics.js';
import type { Results } from './rounds.js';

const perSecond = (measured: Measurement[]): number[] => measured.map((one) => one.perSecond);
const cpu = (measured: Measurement[]): number[] => measured.map((one) => one.brokerCpuMicrosecondsPerMessage);

function latency(measured: Measurement[]): string {
  if (measured[0].p50Ms === undefined) return '';
  const p50 = median(measured.map((one) => one.p50Ms ?? 0));
  const p99 = median(measured.map((one) => one.p99Ms ?? 0));
  return `${p50.toFixed(1)} / ${p99.toFixed(1)}`;
}

/** Prints both brokers' rows for each load; the ratios are those of the medians. */
export function report(results: Results, rounds: number): void {
  console.log(`\nlowest / median / highest of ${rounds} rounds; CPU is that of the whole broker process\n`);
  const rows = Object.entries(results).flatMap(([load, measured]) => {
    const [java, ours] = Object.values(measured);
    const cpuRatio = median(cpu(java)) / median(cpu(ours));
    const rateRatio = median(perSecond(ours)) / median(perSecond(java));
    return Object.entries(measured).map(([name, one]) => [
      load,
      name,
      rates(perSecond(one)),
      spread(cpu(one)),
      latency(one),
      one === ours ? `rate x ${rateRatio.toFixed(2)}, CPU 1/${cpuRatio.toFixed(1)}` : '',
    ]);
  });
  printTable(['load', 'broker', 'msgs/s', 'broker CPU us/msg', 'p50 / p99 ms', 'Rocknest against Java'], rows);
}
