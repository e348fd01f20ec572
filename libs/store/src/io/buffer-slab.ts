/**
 * Buffers of one size, cut from one piece of memory that is taken when the first of them is wanted. Memory outside of V8's heap makes it collect the
 * whole heap whenever some more was added: taken one by one, the buffers of a cache cost several collections while it fills. What is not
 * used yet costs address space only.
 */
export class BufferSlab {
  private memory: ArrayBufferLike | undefined = undefined;
  /** The ones given back last are taken first: they are warm. */
  private free: Buffer[] = [];
  private takenCount = 0;
  private mostTaken = 0;
  private lostCount = 0;

  constructor(
    readonly bufferBytes: number,
    private readonly count: number,
  ) {}

  /** Bytes that were used and wait for further use. */
  get spareBytes(): number {
    return (this.mostTaken - this.takenCount) * this.bufferBytes;
  }

  /** A buffer with anything in it; undefined when all are taken or lost. */
  take(): Buffer | undefined {
    if (this.memory === undefined && this.lostCount === 0) this.cut();
    const buffer = this.free.pop();
    if (buffer === undefined) return undefined;
    this.takenCount++;
    this.mostTaken = Math.max(this.mostTaken, this.takenCount);
    return buffer;
  }

  /** Gives a buffer back that nobody uses any more; one that is not of this slab is left to the collector. */
  give(buffer: Buffer): void {
    if (buffer.buffer !== this.memory) return;
    this.takenCount--;
    this.free.push(buffer);
  }

  /**
   * A buffer will not come back: somebody may look at it at any time. When half of them are gone, the slab lets go of its memory, so that it does not stand beside what is
   * taken instead, and gives none until {@link release}.
   */
  lose(buffer: Buffer): void {
    if (buffer.buffer !== this.memory) return;
    this.takenCount--;
    this.mostTaken--;
    this.lostCount++;
    if (this.lostCount * 2 < this.count) return;
    this.memory = undefined;
    this.free = [];
    this.mostTaken = this.takenCount = 0;
  }

  /** Gives the memory up; it is freed once nobody has a buffer of it any more. */
  release(): void {
    this.memory = undefined;
    this.free = [];
    this.takenCount = 0;
    this.mostTaken = 0;
    this.lostCount = 0;
  }

  private cut(): void {
    const { bufferBytes, count } = this;
    const all = Buffer.allocUnsafeSlow(bufferBytes * count);
    this.memory = all.buffer;
    for (let i = count - 1; i >= 0; i--) this.free.push(all.subarray(i * bufferBytes, (i + 1) * bufferBytes));
  }
}
