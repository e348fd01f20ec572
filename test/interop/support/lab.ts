import { waitFor } from '../../support/wait-for.js';
import { JavaClient, type HarnessOptions, type HarnessProcess } from './java-client.js';

/** As one process on a busy machine of two cores may need. */
const WAIT_MS = 60_000;

/** A message as a listener got it. */
export interface Delivery {
  body: string;
  topic: string;
  queueId: number;
  offset: number;
  reconsumeTimes: number;
  msgId: string;
}

/** A call of a listener. */
export interface Handling {
  messages: Delivery[];
  /** How many of them it was done with; undefined while it runs. */
  done?: number;
}

export interface LabOptions {
  /** How often the client rebalances by itself. */
  rebalanceIntervalMs?: number;
  /** Where broadcasting consumers keep their offsets. */
  localOffsetStoreDir?: string;
  /** Of the JVM: settings that the client takes from nowhere else. */
  systemProperties?: HarnessOptions;
}

/** Any number of the official client's consumers of every kind, in one JVM; see `Lab.java`. */
export class Lab {
  private asked = 0;

  private constructor(
    readonly version: string,
    private readonly client: JavaClient,
    private readonly process: HarnessProcess,
  ) {}

  static async start(version: string, namesrvAddr: string, options: LabOptions = {}): Promise<Lab> {
    const { rebalanceIntervalMs, localOffsetStoreDir, systemProperties } = options;
    const client = new JavaClient(version, namesrvAddr);
    const process = client.start(
      'lab',
      {},
      {
        ...systemProperties,
        ...(rebalanceIntervalMs !== undefined && { 'rocketmq.client.rebalance.waitInterval': rebalanceIntervalMs }),
        ...(localOffsetStoreDir !== undefined && { 'rocketmq.client.localOffsetStoreDir': localOffsetStoreDir }),
      },
    );
    await process.waitFor(({ event }) => event === 'ready', 'the lab to be ready');
    return new Lab(version, client, process);
  }

  /** The name with the version behind it: both versions use one broker. */
  name(text: string): string {
    return `${text}-${this.version.replaceAll('.', '_')}`;
  }

  /** What the operation returned. @throws Error with what the client threw. */
  async ask<T = unknown>(operation: string, options: HarnessOptions = {}): Promise<T> {
    const number = this.asked++;
    const start = this.process.events.length;
    const words = Object.entries(options).map(([name, value]) => `${name}=${String(value)}`);
    this.process.write([number, operation, ...words].join(' '));
    const answer = await this.process.waitFor(
      (event) => event.event === 'answer' && event.number === number,
      `an answer to ${operation}`,
      start,
    );
    if (answer.ok !== true) throw new Error(`${operation}: ${String(answer.error)}`);
    return answer.value as T;
  }

  /** What the listener of a push consumer has got so far. */
  begun(name: string): Delivery[] {
    return this.process.events
      .filter((event) => event.event === 'begin' && event.name === name)
      .flatMap((event) => event.messages as Delivery[]);
  }

  /** The calls of the listener of a push consumer that have ended. */
  ended(name: string): Handling[] {
    return this.process.events.filter((event) => event.event === 'end' && event.name === name) as unknown as Handling[];
  }

  /** Waits until the listener has got so many different bodies. */
  async waitForBodies(name: string, count: number): Promise<void> {
    await waitFor(() => new Set(this.begun(name).map(({ body }) => body)).size >= count, `${count} messages`, WAIT_MS);
  }

  /** Waits until the consumer owns so many queues of the topic. @returns them as `broker:queue id`, sorted. */
  async waitForQueues(name: string, topic: string, count: number): Promise<string[]> {
    return waitFor(
      async () => {
        const queues = await this.ask<string[]>('push.assigned', { name, topic });
        return queues.length === count ? queues : undefined;
      },
      `${count} queues of ${topic} at ${name}`,
      WAIT_MS,
    );
  }

  /** SIGKILL: its consumers say good-bye to nobody. */
  async kill(): Promise<void> {
    await this.process.kill();
  }

  async stop(): Promise<void> {
    await this.client.stop();
  }
}
