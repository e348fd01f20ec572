import { messageQueueKey, type MessageQueue } from '@rocknest/protocol';
import { errorText } from '../../errors.js';
import type { ClientLogger } from '../../logger.js';
import { PeriodicTask } from '../../support/periodic-task.js';

/** Told of all queues of a topic after they changed. */
export type TopicMessageQueueChangeListener = (topic: string, queues: MessageQueue[]) => void;

/** Looks now and then, and when a route changed, whether listened topics have other queues (RocketMQ: `fetchTopicMessageQueuesAndCompare`). */
export class TopicQueueWatch {
  private readonly listeners = new Map<string, TopicMessageQueueChangeListener>();
  private readonly known = new Map<string, string>();
  private readonly task: PeriodicTask;

  constructor(
    intervalMs: number,
    private readonly fetch: (topic: string) => Promise<MessageQueue[]>,
    private readonly logger: ClientLogger,
  ) {
    this.task = new PeriodicTask(
      intervalMs,
      () => this.lookAtAll(),
      (error) => logger.warn(`queues of listened topics not compared: ${errorText(error)}`),
    );
  }

  /** The last listener of a topic counts. */
  listen(topic: string, listener: TopicMessageQueueChangeListener): void {
    this.listeners.set(topic, listener);
  }

  /** Learns the queues that there are now, of which no listener is told. */
  async start(): Promise<void> {
    for (const topic of this.listeners.keys()) await this.learn(topic);
    this.task.start();
  }

  async learn(topic: string): Promise<void> {
    this.known.set(topic, textOf(await this.fetch(topic)));
  }

  lookSoon(topic: string): void {
    if (this.known.has(topic)) void this.task.wake();
  }

  stop(): Promise<void> {
    return this.task.stop();
  }

  private async lookAtAll(): Promise<void> {
    for (const [topic, listener] of this.listeners) {
      if (!this.known.has(topic)) continue;
      const queues = await this.fetch(topic).catch((error: unknown) => {
        this.logger.warn(`queues of topic ${topic} not found out: ${errorText(error)}`);
        return undefined;
      });
      if (!queues || this.known.get(topic) === textOf(queues)) continue;
      this.known.set(topic, textOf(queues));
      try {
        listener(topic, queues);
      } catch (error) {
        this.logger.warn(`listener of the queues of ${topic} threw: ${errorText(error)}`);
      }
    }
  }
}

function textOf(queues: readonly MessageQueue[]): string {
  return queues.map(messageQueueKey).sort().join('\n');
}
