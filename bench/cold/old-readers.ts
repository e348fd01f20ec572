import { Lane } from '../lean/lane.js';
import { pullTemplate } from '../lean/frames.js';

const PULL_MESSAGES = 32;

/** Consumers far behind: one for each queue of a topic, each with one pull of 32 messages under way, from the first message to the last and again. */
export class OldReaders {
  private stopped = false;
  private pulls = 0;
  private lanes: Lane[] = [];

  constructor(
    private readonly address: string,
    private readonly topic: string,
    private readonly messagesInQueue: number,
    private readonly queues: number,
  ) {}

  async start(): Promise<void> {
    const steps = Math.floor(this.messagesInQueue / PULL_MESSAGES);
    this.lanes = await Promise.all(
      Array.from({ length: this.queues }, (_, queueId) => {
        let step = 0;
        const next = () =>
          this.stopped ? undefined : pullTemplate('binary', this.topic, queueId, (step++ % steps) * PULL_MESSAGES);
        return Lane.open(this.address, 1, next, () => this.pulls++);
      }),
    );
    for (const lane of this.lanes) lane.fill();
  }

  /** @returns the messages read, and the pulls that were answered with anything but messages. */
  stop(): { messages: number; refused: number } {
    this.stopped = true;
    const refused = this.lanes.reduce((sum, lane) => sum + lane.refused, 0);
    for (const lane of this.lanes) lane.close();
    return { messages: (this.pulls - refused) * PULL_MESSAGES, refused };
  }
}
