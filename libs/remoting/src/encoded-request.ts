import type { RemotingCommand } from '@rocknest/protocol';
import type { WritePage } from './net/write-page.js';
import { PendingRequest } from './request-table.js';

/**
 * A request that writes its own frame, straight into what its connection sends next, and that is its own entry in the table of
 * requests under way: sending it allocates nothing. It may be sent again once it has got its answer or its error.
 */
export abstract class EncodedRequest extends PendingRequest {
  /** `Date.now()` when the caller has read it right before it sends this: the clock is not read again then. -1 otherwise. */
  wallMs = -1;

  /** How many bytes in a row `encode` needs at most. */
  abstract get roomBytes(): number;

  /** The end of the frame when it is too large to be copied: sent behind what `encode` wrote, and not to be changed. */
  abstract get tail(): Buffer | undefined;

  /**
   * Writes the frame, less its tail.
   *
   * @param opaque the number that the frame must carry
   * @returns the position behind it
   */
  abstract encode(page: WritePage, position: number, opaque: number): number;

  override get readsAnswerAtOnce(): boolean {
    return true;
  }

  /**
   * Gets the error or the answer. Never called within the call that sent the request. The answer is there only until the call ends: `detach` it to
   * keep it.
   */
  abstract override onAnswer(error: Error | undefined, response: RemotingCommand | undefined): void;
}
