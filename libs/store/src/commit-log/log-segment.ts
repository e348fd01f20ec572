/** One file of the commit log. */
export class LogSegment {
  /** The folder was synced since the file was made: its name survives a power loss. */
  nameDurable = false;
  /** It is out of the row: no offset leads to it any more, and its file is removed or about to be. */
  removed = false;

  constructor(
    /** Physical offset of its first byte. */
    readonly startOffset: number,
    readonly sizeBytes: number,
    readonly path: string,
  ) {}

  get endOffset(): number {
    return this.startOffset + this.sizeBytes;
  }
}
