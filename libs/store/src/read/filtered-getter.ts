import { ENTRY_BYTES } from '../consume-queue/queue-entry.js';
import type { Clock } from '../io/clock.js';
import type { GetRequest, GetResult, RecordPlace } from '../types.js';
import type { MessageGetter } from './message-getter.js';
import { Sifting, type SiftingLimits } from './sifting.js';
import { TurnBudget } from './turn-budget.js';

export interface FilteredGetterOptions extends SiftingLimits {
  readonly maxFilterScanBytes: number;
  /** Bytes of records that one call looks at, about. */
  readonly maxFilterReadBytes: number;
  /** Time that filtered reads take of one turn of the event loop, all together. */
  readonly filterTurnMs: number;
  /** Messages that are read at once. */
  readonly chunkMessages: number;
  readonly scratchBytes: number;
}

/**
 * Reads those messages of a queue that a filter of records lets through. Each call looks at a bounded part of the queue and tells how far it
 * came; however many calls there are, and however little matches, a turn of the event loop gives a fixed time to them.
 *
 * Follows the part of `DefaultMessageStore.getMessage` that asks `MessageFilter.isMatchedByCommitLog`.
 */
export class FilteredGetter {
  private readonly budget: TurnBudget;
  /** Where records are read to that the filter looks at; those that match are copied out of it. */
  private scratch: Buffer | undefined = undefined;
  private place: RecordPlace | undefined = undefined;

  constructor(
    private readonly options: FilteredGetterOptions,
    private readonly getter: Pick<MessageGetter, 'get'>,
    private readonly writtenOffset: () => number,
    clock: Clock,
  ) {
    this.budget = new TurnBudget(options.filterTurnMs, clock);
  }

  /** @param needOpen throws once the store is closed; called before what is done in a later turn. */
  get(
    request: GetRequest,
    matchesRecord: NonNullable<GetRequest['matchesRecord']>,
    needOpen: () => void,
  ): GetResult | Promise<GetResult> {
    return this.advance(new Sifting(request, matchesRecord, this.options), undefined, needOpen);
  }

  /** @param last the store's answer before; undefined at the first read. */
  private advance(sifting: Sifting, last: GetResult | undefined, needOpen: () => void): GetResult | Promise<GetResult> {
    let before = last;
    while (before === undefined || this.hasMore(sifting, before)) {
      if (this.budget.isUsedUp) return this.advanceLater(sifting, before, needOpen);
      const found = this.budget.spend(() => this.read(sifting));
      if (found instanceof Promise) return this.takeLater(sifting, before, found, needOpen);
      const { place } = this;
      if (!this.budget.spend(() => this.take(sifting, found, place))) return this.finish(sifting, found, before);
      before = found;
    }
    return sifting.result(before);
  }

  private async advanceLater(sifting: Sifting, last: GetResult | undefined, needOpen: () => void): Promise<GetResult> {
    sifting.place = undefined;
    do await this.budget.nextTurn();
    while (this.budget.isUsedUp);
    needOpen();
    return this.advance(sifting, last, needOpen);
  }

  private async takeLater(
    sifting: Sifting,
    last: GetResult | undefined,
    reading: Promise<GetResult>,
    needOpen: () => void,
  ): Promise<GetResult> {
    sifting.place = undefined;
    const found = await reading;
    needOpen();
    if (!this.budget.spend(() => this.take(sifting, found, undefined))) return this.finish(sifting, found, last);
    return this.advance(sifting, found, needOpen);
  }

  private hasMore(sifting: Sifting, last: GetResult): boolean {
    const { maxFilterScanBytes, maxFilterReadBytes } = this.options;
    const { request, nextOffset, readBytes, messageCount, isFull } = sifting;
    if (isFull || messageCount >= request.maxMessages) return false;
    if (nextOffset >= last.maxOffset || readBytes >= maxFilterReadBytes) return false;
    // As many entries as RocketMQ looks at in one call.
    const scannedBytes = (nextOffset - request.queueOffset) * ENTRY_BYTES;
    return scannedBytes < Math.max(maxFilterScanBytes, request.maxMessages * ENTRY_BYTES);
  }

  private read({ request, nextOffset }: Sifting): GetResult | Promise<GetResult> {
    this.place = undefined;
    return this.getter.get({
      topic: request.topic,
      queueId: request.queueId,
      queueOffset: nextOffset,
      maxMessages: this.options.chunkMessages,
      matches: request.matches,
      place: (sizeBytes) => (this.place = this.placeFor(sizeBytes)),
    });
  }

  /** @returns false when the queue has nothing to read there. */
  private take(sifting: Sifting, found: GetResult, place: RecordPlace | undefined): boolean {
    const { status, nextBeginOffset, records } = found;
    if (nextBeginOffset <= sifting.nextOffset) return false;
    if (status === 'NO_MATCHED_MESSAGE' || status === 'MESSAGE_WAS_REMOVING') sifting.leftOut(status);
    else if (status !== 'FOUND') return false;
    const logEnd = this.writtenOffset();
    if (place !== undefined) sifting.sift(place.bytes, place.at, place.at + found.sizeBytes, logEnd);
    for (const bytes of records) sifting.sift(bytes, 0, bytes.length, logEnd);
    if (!sifting.isFull) sifting.nextOffset = nextBeginOffset;
    return true;
  }

  /** @param before the answer before this one, which had messages to look at; without it, this one says all. */
  private finish(sifting: Sifting, found: GetResult, before: GetResult | undefined): GetResult {
    return before === undefined ? found : sifting.result(before);
  }

  private placeFor(sizeBytes: number): RecordPlace {
    const { scratchBytes } = this.options;
    if (sizeBytes > scratchBytes) return { bytes: Buffer.allocUnsafeSlow(sizeBytes), at: 0 };
    this.scratch ??= Buffer.allocUnsafeSlow(scratchBytes);
    return { bytes: this.scratch, at: 0 };
  }
}
