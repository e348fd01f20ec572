/** Bytes of the last whole second. */
export class ByteRate {
  private second = 0;
  private bytes = 0;
  private lastBytes = 0;

  add(bytes: number, nowMs: number): void {
    this.turn(nowMs);
    this.bytes += bytes;
  }

  perSecond(nowMs: number): number {
    this.turn(nowMs);
    return this.lastBytes;
  }

  private turn(nowMs: number): void {
    const second = Math.floor(nowMs / 1_000);
    if (second === this.second) return;
    this.lastBytes = second === this.second + 1 ? this.bytes : 0;
    this.bytes = 0;
    this.second = second;
  }
}
