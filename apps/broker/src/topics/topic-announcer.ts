/**
 * Where everything that created, changed or deleted a topic reports it: what was remembered about topics is forgotten, and the
 * namesrvs are told at once.
 */
export class TopicAnnouncer {
  private readonly listeners: (() => void)[] = [];
  private announce: () => Promise<void> = () => Promise.resolve();

  /** Calls `listener` at each change, before anything else happens. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Sets how the namesrvs are told; until the broker is registered nobody needs to be. */
  announceWith(announce: () => Promise<void>): void {
    this.announce = announce;
  }

  /** Topics changed. @returns when the namesrvs know, or when waiting longer makes no sense; callers need not wait. */
  changed(): Promise<void> {
    for (const listener of this.listeners) listener();
    return this.announce();
  }
}
