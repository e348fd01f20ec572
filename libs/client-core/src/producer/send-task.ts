import type { MessageQueue, RemotingCommand } from '@rocknest/protocol';
import { EncodedRequest, type WritePage } from '@rocknest/remoting';
import type { MQBrokerError } from '../errors.js';
import type { OutgoingMessage } from './outgoing-message.js';
import { separateBody, type SendFrameTemplate } from './send-frame-template.js';
import type { GatedSend } from './send-gate.js';
import type { SendResult } from './send-result.js';

/** Gets the end of a send: exactly one of the two is called. */
export interface SendCallback {
  onSuccess(result: SendResult): void;
  onException(error: Error): void;
}

/** What a task asks of its engine. */
export interface SendTaskOwner {
  attempt(task: SendTask, nowMs: number): void;
  expired(task: SendTask): void;
  answered(task: SendTask, error: Error | undefined, response: RemotingCommand | undefined): void;
}

/**
 * One send with its attempts. It is the entry in the gate, the request on the wire and its time-out in one object, since a producer makes
 * a hundred thousand of them a second.
 */
export class SendTask extends EncodedRequest implements GatedSend {
  readonly deadlineMs: number;
  attempts = 0;
  /** Queue, address and frame of the attempt under way. */
  chosen: MessageQueue | undefined = undefined;
  address = '';
  template: SendFrameTemplate | undefined = undefined;
  /** `Date.now()` of the attempt. */
  bornMs = 0;
  /** Attempts that a broker refused with a request for a pause: they don't count as retries. */
  pauses = 0;
  /** The last of those answers. */
  refusal: MQBrokerError | undefined = undefined;
  lastFailedBroker: string | undefined = undefined;
  /** Brokers that were tried, for the error. */
  tried: string[] | undefined = undefined;

  constructor(
    private readonly owner: SendTaskOwner,
    readonly message: OutgoingMessage,
    /** This queue and no other; no second attempt then. */
    readonly queue: MessageQueue | undefined,
    readonly startedMs: number,
    readonly timeoutMs: number,
    /** Attempts after the first. */
    readonly retries: number,
    readonly callback: SendCallback,
  ) {
    super();
    this.deadlineMs = startedMs + timeoutMs;
  }

  get sizeBytes(): number {
    return this.message.bodyBytes;
  }

  begin(nowMs: number): void {
    this.owner.attempt(this, nowMs);
  }

  expire(): void {
    this.owner.expired(this);
  }

  override get roomBytes(): number {
    return this.template!.roomBytes(this.message);
  }

  override get tail(): Buffer | undefined {
    return separateBody(this.message);
  }

  override encode(page: WritePage, position: number, opaque: number): number {
    const { template, chosen, bornMs, message } = this;
    return template!.encode(page, position, opaque, chosen!.queueId, bornMs, message);
  }

  override onAnswer(error: Error | undefined, response: RemotingCommand | undefined): void {
    this.owner.answered(this, error, response);
  }
}
