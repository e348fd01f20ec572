import type { PopMessageRequest, PopMsgOffsets, PopOrderCount, PopStartOffset } from '@rocknest/protocol';
import type { Connection, RequestRef } from '@rocknest/remoting';
import type { AdmittedPop } from './pop-admission.js';

/** A queue to look into. */
export interface PopStage {
  readonly topic: string;
  readonly isRetry: boolean;
  readonly queueCount: number;
  /** The queue to begin with. */
  readonly firstQueueId: number;
  /** Queues to look into from there on. */
  readonly lookAt: number;
}

/** A pop on its way. */
export interface PopRun {
  readonly request: RequestRef;
  readonly header: PopMessageRequest;
  readonly connection: Connection;
  readonly admitted: AdmittedPop;
  readonly popTimeMs: number;
  readonly reviveQueueId: number;
  readonly stages: readonly PopStage[];
  stage: number;
  queue: number;
  restNum: number;
  messageCount: number;
  bodyBytes: number;
  readonly bodies: Buffer[];
  readonly startOffsets: PopStartOffset[];
  readonly msgOffsets: PopMsgOffsets[];
  readonly orderCounts: PopOrderCount[];
  /** The disk was waited for, or a filter let nothing through of what was looked at: there may be more to find. */
  lookAgain: boolean;
  /** There are as many check points as there may be. */
  isFull: boolean;
}

type GivenOfRun = Pick<
  PopRun,
  'request' | 'header' | 'connection' | 'admitted' | 'popTimeMs' | 'reviveQueueId' | 'stages'
>;

/** A pop at its beginning. */
export function createPopRun(given: GivenOfRun): PopRun {
  return {
    // One by one: a spread of them cost more than the rest of a small pop.
    request: given.request,
    header: given.header,
    connection: given.connection,
    admitted: given.admitted,
    popTimeMs: given.popTimeMs,
    reviveQueueId: given.reviveQueueId,
    stages: given.stages,
    stage: 0,
    queue: 0,
    restNum: 0,
    messageCount: 0,
    bodyBytes: 0,
    bodies: [],
    startOffsets: [],
    msgOffsets: [],
    orderCounts: [],
    lookAgain: false,
    isFull: false,
  };
}
