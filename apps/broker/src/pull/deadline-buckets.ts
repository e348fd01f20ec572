/**
 * Things with a deadline, in buckets of time: adding, removing and finding what is due cost the same however many there are, and
 * nothing ticks for each.
 */
export class DeadlineBuckets<T extends { readonly deadlineMs: number }> {
  private readonly buckets = new Map<number, Set<T>>();

  /** @param resolutionMs width of a bucket: things are found up to so much after their deadline. */
  constructor(private readonly resolutionMs: number) {}

  add(item: T): void {
    const tick = this.tickOf(item);
    const bucket = this.buckets.get(tick);
    if (bucket === undefined) this.buckets.set(tick, new Set<T>([item]));
    else bucket.add(item);
  }

  delete(item: T): void {
    const tick = this.tickOf(item);
    const bucket = this.buckets.get(tick);
    if (bucket === undefined) return;
    bucket.delete(item);
    if (bucket.size === 0) this.buckets.delete(tick);
  }

  /** Everything whose deadline is over; it stays until it is deleted. */
  due(nowMs: number): T[] {
    const due: T[] = [];
    for (const [tick, bucket] of this.buckets) if (tick * this.resolutionMs <= nowMs) due.push(...bucket);
    return due;
  }

  /** When to look next; undefined when there is nothing to wait for. As many steps as there are buckets: deadlines are two minutes off at most. */
  get nextMs(): number | undefined {
    let next = Infinity;
    for (const tick of this.buckets.keys()) next = Math.min(next, tick);
    return next === Infinity ? undefined : next * this.resolutionMs;
  }

  clear(): void {
    this.buckets.clear();
  }

  private tickOf({ deadlineMs }: T): number {
    return Math.ceil(deadlineMs / this.resolutionMs);
  }
}
