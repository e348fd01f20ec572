import type { MessageExt } from '@rocknest/protocol';
import type { ConsumeQueueRef } from './queue-ref.js';

export interface PullRequest {
  readonly queue: ConsumeQueueRef;
  readonly queueOffset: number;
  /** Committed along with the pull when above 0. */
  readonly commitOffset: number;
  /** Broker id that the last answer suggested; 0 is the master. */
  readonly brokerId: number;
}

/** An answer that says something about the queue. Everything else is an error. */
export interface PullOutcome {
  readonly status: 'FOUND' | 'NO_NEW_MSG' | 'NO_MATCHED_MSG' | 'OFFSET_ILLEGAL';
  /** Already filtered by the tag's text, with the original topic restored. */
  readonly messages: MessageExt[];
  readonly nextBeginOffset: number;
  readonly minOffset: number;
  readonly maxOffset: number;
  readonly suggestedBrokerId: number;
}

export type PullCallback = (error: Error | undefined, outcome: PullOutcome | undefined) => void;

/** One pull, held by the broker when there is nothing. The callback is called once, never inside of the call. */
export type Pull = (request: PullRequest, callback: PullCallback) => void;
