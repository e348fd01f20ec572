import { cpuMicroseconds } from '../../test/support/child.js';
import { JavaClient, type HarnessProcess } from '../../test/interop/support/java-client.js';

/** One run of one load against one broker. */
export interface Measurement {
  perSecond: number;
  brokerCpuMicrosecondsPerMessage: number;
  p50Ms?: number;
  p99Ms?: number;
}

/** A broker under the Java load generator, with the CPU time of the broker's whole process around each load. */
export class Contestant {
  private generator: HarnessProcess | undefined;
  private readonly client: JavaClient;

  constructor(
    readonly name: string,
    namesrvAddr: string,
    private readonly brokerPid: number,
    clientVersion: string,
  ) {
    this.client = new JavaClient(clientVersion, namesrvAddr);
  }

  async prepare(topics: Record<string, number>): Promise<void> {
    for (const [topic, queues] of Object.entries(topics)) await this.client.run('create-topic', { topic, queues });
    this.generator = this.client.start('load', {});
    await this.generator.waitFor((event) => event.event === 'ready', 'the load generator');
  }

  /** @param load a line of the load command. */
  async measure(load: string): Promise<Measurement> {
    const generator = this.generator;
    if (generator === undefined) throw new Error('prepare() comes first');
    const start = generator.events.length;
    const before = cpuMicroseconds(this.brokerPid);
    generator.write(load);
    const end = await generator.waitFor(
      (event) => event.event === 'end' || event.event === 'error',
      `the end of ${load}`,
      start,
    );
    if (end.event === 'error') throw new Error(`${this.name}: ${load}: ${String(end.message)}`);
    const cpu = cpuMicroseconds(this.brokerPid) - before;
    const count = Number(end.count);
    if (Number(end.errors) > 0)
      throw new Error(`${this.name}: ${load}: ${String(end.errors)} errors, first ${String(end.firstError)}`);
    return {
      perSecond: Number(end.perSecond),
      brokerCpuMicrosecondsPerMessage: cpu / count,
      p50Ms: end.p50Ms as number | undefined,
      p99Ms: end.p99Ms as number | undefined,
    };
  }

  async stop(): Promise<void> {
    await this.client.stop();
  }
}
