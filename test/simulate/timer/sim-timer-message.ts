import { MessageConst, tagsCodeOf, TIMER_TOPIC } from '@rocknest/protocol';
import { SimMessage } from '../../../libs/store/src/simulation/sim-message.js';
import type { PutMessage } from '../../../libs/store/src/types.js';

export const REAL_TOPIC = 'Later';

/** A message for later, or one that recalls another, as the broker puts it into the timer topic. */
export class SimTimerMessage extends SimMessage {
  /** When the answer came that it is stored: by the clock of the wall, and in virtual time. */
  acknowledged: { readonly wallMs: number; readonly atMs: number } | undefined;

  constructor(
    id: number,
    readonly realQueueId: number,
    bodyBytes: number,
    readonly deliverMs: number,
    /** What it recalls. */
    readonly target: SimTimerMessage | undefined,
    life: number,
  ) {
    super(id, TIMER_TOPIC, 0, bodyBytes, 'T', 0, 0, true, life);
  }

  override get properties(): string {
    return Object.entries(this.fields)
      .map(([name, value]) => `${name}\u0001${value}\u0002`)
      .join('');
  }

  get fields(): Readonly<Record<string, string>> {
    const { target, deliverMs, realQueueId } = this;
    return {
      [MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX]: `KEY${(target ?? this).id}`,
      [MessageConst.TAGS]: this.tag,
      ...(target === undefined ? {} : { [MessageConst.TIMER_DEL_UNIQKEY]: `KEY${target.id}` }),
      [MessageConst.TIMER_DELIVER_MS]: String(deliverMs),
      [MessageConst.TIMER_OUT_MS]: String(deliverMs - 1),
      [MessageConst.REAL_TOPIC]: REAL_TOPIC,
      [MessageConst.REAL_QUEUE_ID]: String(realQueueId),
    };
  }

  override toPut(): PutMessage {
    return { ...super.toPut(), properties: this.properties, tagsCode: tagsCodeOf(this.tag) };
  }

  override toString(): string {
    const what = this.target === undefined ? 'message' : `recall of ${this.target.id}:`;
    return `${what} ${this.id} (due ${this.deliverMs}, log ${this.physicalOffset}+${this.sizeBytes}, ${this.status ?? 'not answered'}, owed: ${this.durability})`;
  }
}
