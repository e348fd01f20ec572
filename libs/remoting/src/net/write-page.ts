import { viewOf } from '@rocknest/protocol';
import {
  LARGE_WRITE_PAGE_BYTES,
  MAX_FREE_LARGE_WRITE_PAGES,
  MAX_FREE_WRITE_PAGES,
  WRITE_PAGE_BYTES,
} from '../defaults.js';

/** Memory that frames are encoded into one behind the other, so that many of them leave as one buffer. */
export class WritePage {
  readonly bytes: Buffer;
  /** The same memory: numbers are written through it at a tenth of what Buffer's methods cost. */
  readonly view: DataView;
  /** Where the next frame begins. */
  used = 0;

  constructor(sizeBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(sizeBytes);
    this.view = viewOf(this.bytes);
  }
}

/** Pages of one size: they go from connection to connection, so that few of them stay warm. */
class PagePool {
  private readonly free: WritePage[] = [];
  private taken = 0;

  constructor(
    readonly pageBytes: number,
    private readonly maxFree: number,
  ) {}

  /** As many pages are in use as are kept: whatever can be sent should be sent before more are made. */
  get isExhausted(): boolean {
    return this.taken >= this.maxFree;
  }

  take(): WritePage {
    this.taken++;
    return this.free.pop() ?? new WritePage(this.pageBytes);
  }

  release(page: WritePage): void {
    this.taken--;
    page.used = 0;
    if (this.free.length < this.maxFree) this.free.push(page);
  }

  lose(): void {
    this.taken--;
  }
}

const small = new PagePool(WRITE_PAGE_BYTES, MAX_FREE_WRITE_PAGES);
const large = new PagePool(LARGE_WRITE_PAGE_BYTES, MAX_FREE_LARGE_WRITE_PAGES);

/**
 * A page with room for `bytes`.
 *
 * @param wantsLarge the connection has filled a page already, and more will come
 * @param sendAll called first when many pages are in use; it may give them back
 */
export function takePage(bytes: number, wantsLarge: boolean, sendAll: () => void): WritePage {
  if (bytes > LARGE_WRITE_PAGE_BYTES) return new WritePage(bytes);
  const pool = wantsLarge || bytes > WRITE_PAGE_BYTES ? large : small;
  if (pool.isExhausted) sendAll();
  return pool.take();
}

/** Gives back a page of which nothing is needed any more. */
export function releasePage(page: WritePage): void {
  poolOf(page)?.release(page);
}

/** The page belongs to a socket now, which has not sent all of it. */
export function losePage(page: WritePage): void {
  poolOf(page)?.lose();
}

function poolOf(page: WritePage): PagePool | undefined {
  if (page.bytes.length === WRITE_PAGE_BYTES) return small;
  return page.bytes.length === LARGE_WRITE_PAGE_BYTES ? large : undefined;
}
