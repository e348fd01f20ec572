/** A queue whose `push` and `shift` cost the same however long it is. */
export class Fifo<T> {
  private items: (T | undefined)[] = [];
  private front = 0;

  get length(): number {
    return this.items.length - this.front;
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    if (this.front === this.items.length) return undefined;
    const item = this.items[this.front];
    this.items[this.front++] = undefined;
    if (this.front === this.items.length) {
      this.items = [];
      this.front = 0;
    } else if (this.front >= 1_024 && this.front * 2 >= this.items.length) {
      this.items = this.items.slice(this.front);
      this.front = 0;
    }
    return item;
  }

  /** Takes out every item that `test` accepts, and returns them in order. */
  removeWhere(test: (item: T) => boolean): T[] {
    const removed: T[] = [];
    const kept: T[] = [];
    for (let i = this.front; i < this.items.length; i++) {
      const item = this.items[i] as T;
      (test(item) ? removed : kept).push(item);
    }
    if (removed.length > 0) {
      this.items = kept;
      this.front = 0;
    }
    return removed;
  }
}
