/**
 * A map with objects as keys, as fastjson writes `Map<MessageQueue, V>`: `{{"brokerName":"b","queueId":0,"topic":"t"}:V}`.
 * Entries keep their order. No standard JSON, and the only form the Java side reads.
 */
export class FastjsonMap<K = unknown, V = unknown> {
  constructor(readonly entries: readonly (readonly [K, V])[]) {}
}
