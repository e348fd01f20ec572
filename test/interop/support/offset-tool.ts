import type { HarnessOptions, HarnessProcess, JavaClient } from './java-client.js';

/** The official admin tool and consumer, one operation at a time; see `OffsetTool.java`. */
export class OffsetTool {
  private readonly process: HarnessProcess;

  constructor(client: JavaClient) {
    this.process = client.start('offset-tool', {});
  }

  ready(): Promise<unknown> {
    return this.process.waitFor(({ event }) => event === 'ready', 'the admin tool to be ready');
  }

  /** What the operation returned. @throws Error with what the tool threw. */
  async ask<T = unknown>(operation: string, options: HarnessOptions = {}): Promise<T> {
    const start = this.process.events.length;
    const words = Object.entries(options).map(([name, value]) => `${name}=${String(value)}`);
    this.process.write([operation, ...words].join(' '));
    const answer = await this.process.waitFor(({ event }) => event === 'answer', `an answer to ${operation}`, start);
    if (answer.ok !== true) throw new Error(`${operation}: ${String(answer.error)}`);
    return answer.value as T;
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}

/** What its consumer got since `consume` or `forget`. */
export interface Deliveries {
  count: number;
  /** Queue id -> lowest offset. */
  lowest: Record<string, number>;
}
