import { errorText } from '../errors.js';
import type { ClientInstance } from '../instance/client-instance.js';

/** The topics whose routes are kept for one consumer. */
export class WantedTopics {
  private readonly topics = new Set<string>();
  private closed = false;

  constructor(
    private readonly group: string,
    private readonly instance: Pick<ClientInstance, 'routes' | 'logger'>,
  ) {}

  has(topic: string): boolean {
    return this.topics.has(topic);
  }

  add(topic: string): void {
    if (this.closed || this.topics.has(topic)) return;
    this.topics.add(topic);
    this.instance.routes.use(topic);
  }

  remove(topic: string): void {
    if (this.topics.delete(topic)) this.instance.routes.unuse(topic);
  }

  /** Gives up what is not among `topics`. */
  retain(topics: ReadonlySet<string>): void {
    for (const topic of this.topics) if (!topics.has(topic)) this.remove(topic);
  }

  /** Gives all up; none is taken any more. */
  close(): void {
    this.closed = true;
    for (const topic of this.topics) this.remove(topic);
  }

  /** Asks for the route of a topic now. Never rejects: what fails is tried again by the instance. */
  async learn(topic: string): Promise<void> {
    try {
      await this.instance.routes.refresh(topic);
    } catch (error) {
      this.instance.logger.warn(
        `group ${this.group}: route of ${topic} not found out, tried again: ${errorText(error)}`,
      );
    }
  }
}
