import {
  ConsumeReturnType,
  MessageConst,
  withoutAnyNamespace,
  type MessageExt,
  type TracedDelivery,
} from '@rocknest/protocol';
import { DEFAULT_TRACE_REGION_ID } from '../defaults.js';
import { nextUniqKey } from '../producer/uniq-key.js';
import type { TraceSink } from './trace-dispatcher.js';

/** A call of a listener whose SubBefore is written. */
export interface TracedCall {
  readonly requestId: string;
  readonly regionId: string;
  readonly startedMs: number;
  /** By the index of each message; undefined for those whose broker wants no trace. */
  readonly deliveries: readonly (TracedDelivery | undefined)[];
}

function deliveryOf(message: MessageExt): TracedDelivery | undefined {
  const { properties, msgId, topic, reconsumeTimes } = message;
  if (properties[MessageConst.TRACE_SWITCH] === 'false') return undefined;
  return { msgId, topic: withoutAnyNamespace(topic), keys: properties[MessageConst.KEYS], retryTimes: reconsumeTimes };
}

function there(delivery: TracedDelivery | undefined): delivery is TracedDelivery {
  return delivery !== undefined;
}

/**
 * What a consumer writes into the trace: SubBefore when a listener is called, SubAfter when it has ended (RocketMQ: `client/trace/hook/ConsumeMessageTraceHookImpl.java`).
 * Where messages of one call end differently, they get a SubAfter each way.
 */
export class ConsumeTrace {
  private readonly group: string;

  constructor(
    private readonly sink: TraceSink,
    group: string,
    /** From this many ms on a call that ended well says TIME_OUT. */
    private readonly consumeTimeoutMs: number,
  ) {
    this.group = withoutAnyNamespace(group);
  }

  begin(messages: readonly MessageExt[]): TracedCall | undefined {
    const deliveries = messages.map(deliveryOf);
    const traced = deliveries.filter(there);
    if (traced.length === 0) return undefined;
    const startedMs = Date.now();
    const requestId = nextUniqKey(startedMs);
    // Messages of a batch have no region; RocketMQ's hook would leave such a call out.
    const regionId = messages.at(-1)!.properties[MessageConst.MSG_REGION] ?? DEFAULT_TRACE_REGION_ID;
    this.sink.append({
      traceType: 'SubBefore',
      timestampMs: startedMs,
      regionId,
      groupName: this.group,
      requestId,
      messages: traced,
    });
    return { requestId, regionId, startedMs, deliveries };
  }

  /** @param codeOf how the call ended for the message of this index. */
  end(call: TracedCall | undefined, codeOf: (index: number) => ConsumeReturnType): void {
    if (call === undefined) return;
    const nowMs = Date.now();
    const tookMs = Math.max(0, nowMs - call.startedMs);
    const byCode = new Map<ConsumeReturnType, TracedDelivery[]>();
    for (const [index, delivery] of call.deliveries.entries()) {
      if (delivery === undefined) continue;
      const code = codeOf(index);
      const group = byCode.get(code);
      if (group) group.push(delivery);
      else byCode.set(code, [delivery]);
    }
    for (const [code, messages] of byCode) {
      const success = code === ConsumeReturnType.SUCCESS;
      const late = tookMs >= this.consumeTimeoutMs && (success || code === ConsumeReturnType.FAILED);
      this.sink.append({
        traceType: 'SubAfter',
        requestId: call.requestId,
        messages,
        costTimeMs: Math.floor(tookMs / call.deliveries.length),
        success,
        contextCode: late ? ConsumeReturnType.TIME_OUT : code,
        timestampMs: nowMs,
        groupName: this.group,
        regionId: call.regionId,
      });
    }
  }

  /** Messages that a program took by itself: they count as handled then, as RocketMQ's lite pull consumer has it. */
  taken(messages: readonly MessageExt[]): void {
    this.end(this.begin(messages), () => ConsumeReturnType.SUCCESS);
  }
}
