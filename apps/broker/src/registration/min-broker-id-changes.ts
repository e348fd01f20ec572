/** Passes on that the smallest id of the group is another one now: its master came or went. */
export class MinBrokerIdChanges {
  private listener: () => void = () => undefined;

  onChange(listener: () => void): void {
    this.listener = listener;
  }

  changed(): void {
    this.listener();
  }
}
