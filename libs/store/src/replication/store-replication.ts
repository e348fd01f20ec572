import type { PendingAppend } from '../commit-log/pending-append.js';
import type { Refusal } from '../commit-log/put-check.js';
import type { DispatchService, HeldAnswers } from '../dispatch/dispatch-service.js';
import type { RecordVisitor } from '../recovery/log-scanner.js';
import { ConfirmGate } from './confirm-gate.js';
import type { RawAppender } from './raw-appender.js';
import type { RawLogReader } from './raw-log-reader.js';

/**
 * What the replication of a broker does with its store: the log is read as it is for slaves, taken as it comes from a master, answers of puts wait
 * until slaves have them, and puts are refused where they may not be taken. A store that is not replicated pays nothing for it.
 */
export class StoreReplication {
  /** Why no message may be put now, or undefined; asked at each put. A slave's refuses always. */
  putRefusal: (() => Refusal | undefined) | undefined = undefined;
  private readonly listeners = new Set<() => void>();

  constructor(
    /** The end of the log of a slave. */
    readonly appender: RawAppender,
    /** The log for slaves. */
    readonly reader: RawLogReader,
    private readonly dispatch: DispatchService,
    readonly segmentSizeBytes: number,
    /**
     * Visits every whole record from an offset on, where one must begin, up to the end of what is written. The bytes are valid within the call only.
     */
    readonly scanRecords: (fromOffset: number, visit: RecordVisitor) => Promise<unknown>,
  ) {}

  /** Calls `listener` after each write of the log, before its puts are answered. @returns what ends that. */
  onWritten(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** From now on these answer the puts, in their order; undefined: they are answered as soon as they are dispatched. */
  holdAnswers(held: HeldAnswers | undefined): void {
    this.dispatch.heldAnswers = held;
  }

  /** From now on nothing that is written is seen before the gate was told so; for a store in which nothing was put yet. */
  holdUnconfirmed(): ConfirmGate {
    this.dispatch.gate ??= new ConfirmGate({
      complete: (appends) => this.dispatch.completeNow(appends),
      replicated: (requests) => this.dispatch.replicatedNow(requests),
    });
    return this.dispatch.gate;
  }

  /** Answers puts that were held, in this order; their results may have been changed before. */
  answer(appends: readonly PendingAppend[]): void {
    this.dispatch.answer(appends);
  }

  /** The log was written. */
  written(): void {
    for (const listener of this.listeners) listener();
  }
}
