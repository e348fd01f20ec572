import { MAX_FREE_WRITE_PAGES, WRITE_PAGE_BYTES } from '../defaults.js';

/** Memory that frames are encoded into one behind the other, so that many of them leave as one buffer. */
export class WritePage {
  readonly bytes: Buffer;
  /** The same memory: numbers are written through it at a tenth of what Buffer's methods cost. */
  readonly view: DataView;
  /** Where the next frame begins. */
  used = 0;

  constructor(sizeBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes);
    this.view = new DataView(this.bytes.buffer);
  }
}

const free: WritePage[] = [];

/** A page with room for `bytes`. */
export function takePage(bytes: number): WritePage {
  if (bytes > WRITE_PAGE_BYTES) return new WritePage(bytes);
  return free.pop() ?? new WritePage(WRITE_PAGE_BYTES);
}

/** Gives back a page of which nothing is needed any more. */
export function releasePage(page: WritePage): void {
  if (page.bytes.length !== WRITE_PAGE_BYTES || free.length >= MAX_FREE_WRITE_PAGES) return;
  page.used = 0;
  free.push(page);
}
