/** Totals of one topic since the consumer started. */
export interface TopicConsumeTotals {
  consumedOk: number;
  consumedFailed: number;
  pulled: number;
  /** Sum of the listener's times, ms. */
  consumeMs: number;
  /** Sum of the pulls' times, ms. */
  pullMs: number;
  pulls: number;
  listenerCalls: number;
}

const ZERO: TopicConsumeTotals = {
  consumedOk: 0,
  consumedFailed: 0,
  pulled: 0,
  consumeMs: 0,
  pullMs: 0,
  pulls: 0,
  listenerCalls: 0,
};

/** Counts what a consumer did, by topic: for GET_CONSUMER_RUNNING_INFO and for whoever measures (RocketMQ: `stat/ConsumerStatsManager.java`). */
export class ConsumeStats {
  private readonly topics = new Map<string, TopicConsumeTotals>();
  private readonly startedMs = Date.now();

  of(topic: string): Readonly<TopicConsumeTotals> {
    return this.topics.get(topic) ?? ZERO;
  }

  consumed(topic: string, ok: number, failed: number, tookMs: number): void {
    const totals = this.totals(topic);
    totals.consumedOk += ok;
    totals.consumedFailed += failed;
    totals.consumeMs += tookMs;
    totals.listenerCalls++;
  }

  pulled(topic: string, messages: number, tookMs: number): void {
    const totals = this.totals(topic);
    totals.pulled += messages;
    totals.pullMs += tookMs;
    totals.pulls++;
  }

  /** Means since the start, in the fields that RocketMQ's tools show (`body/ConsumeStatus.java`). */
  status(
    topic: string,
  ): Record<'consumeFailedMsgs' | 'consumeFailedTPS' | 'consumeOKTPS' | 'consumeRT' | 'pullRT' | 'pullTPS', number> {
    const totals = this.of(topic);
    const seconds = Math.max(1, (Date.now() - this.startedMs) / 1_000);
    return {
      consumeFailedMsgs: totals.consumedFailed,
      consumeFailedTPS: totals.consumedFailed / seconds,
      consumeOKTPS: totals.consumedOk / seconds,
      consumeRT: totals.listenerCalls > 0 ? totals.consumeMs / totals.listenerCalls : 0,
      pullRT: totals.pulls > 0 ? totals.pullMs / totals.pulls : 0,
      pullTPS: totals.pulled / seconds,
    };
  }

  private totals(topic: string): TopicConsumeTotals {
    let totals = this.topics.get(topic);
    if (!totals) this.topics.set(topic, (totals = { ...ZERO }));
    return totals;
  }
}
