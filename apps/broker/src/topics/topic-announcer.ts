/**
 * Where everything that created, changed or deleted topics reports it: what was remembered about them is forgotten, and the
 * namesrvs are told at once.
 */
export class TopicAnnouncer {
  private readonly listeners: ((topics: readonly string[]) => void)[] = [];
  private announce: (topics: readonly string[]) => Promise<void> = () => Promise.resolve();

  /** Calls `listener` at each change, before anything else happens. */
  onChange(listener: (topics: readonly string[]) => void): void {
    this.listeners.push(listener);
  }

  /** Sets how the namesrvs are told; until the broker is registered nobody needs to be. */
  announceWith(announce: (topics: readonly string[]) => Promise<void>): void {
    this.announce = announce;
  }

  /** These topics changed. @returns when the namesrvs know, or when waiting longer makes no sense; callers need not wait. */
  changed(topics: readonly string[]): Promise<void> {
    for (const listener of this.listeners) listener(topics);
    return this.announce(topics);
  }
}
