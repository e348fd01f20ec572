import { Controller } from '@nestjs/common';
import {
  encodeKVTable,
  CURRENT_MQ_VERSION,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  SCHEDULE_TOPIC,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';
import { SubscriptionMismatchMonitor } from '../../clients/subscription-mismatch-monitor.js';
import { MAX_LISTED_MISMATCH_GROUPS } from '../../defaults.js';
import { DelayOffsetManager } from '../../metadata/index.js';
import { BrokerFacts } from '../../stats/broker-facts.js';
import { CounterRegistry } from '../../stats/counter-registry.js';

/**
 * GET_BROKER_RUNTIME_INFO (28): what `clusterList` and `brokerStatus` of the official tools print. Keys that describe the Java broker's
 * thread pools are left out; the tools take them for absent.
 */
@Controller()
export class GetBrokerRuntimeInfoHandler {
  constructor(
    private readonly store: MessageStore,
    private readonly delayOffsets: DelayOffsetManager,
    private readonly facts: BrokerFacts,
    private readonly counters: CounterRegistry,
    private readonly mismatches: SubscriptionMismatchMonitor,
  ) {}

  @RequestHandler(RequestCode.GET_BROKER_RUNTIME_INFO)
  async handle(): Promise<RemotingCommand> {
    const stats = this.store.stats();
    const ratios = await this.store.diskRatios();
    const table: Record<string, string> = {
      brokerActive: 'true',
      brokerVersion: String(CURRENT_MQ_VERSION),
      brokerVersionDesc: 'Rocknest',
      bootTimestamp: String(this.facts.bootTimestamp),
      runtime: `[ ${formatRuntime(Date.now() - this.facts.bootTimestamp)} ]`,
      msgPutTotalTodayNow: String(stats.putMessages),
      putMessageTimesTotal: String(stats.putMessages),
      putMessageFailedTimes: String(stats.failedPuts),
      putMessageSizeTotal: String(stats.putBytes),
      putMessageAverageSize: String(stats.putMessages === 0 ? 0 : stats.putBytes / stats.putMessages),
      dispatchBehindBytes: String(stats.dispatchBehindBytes),
      remainHowManyDataToFlush: `${stats.maxPhysicalOffset - stats.flushedPhysicalOffset} B`,
      commitLogMinOffset: String(stats.minPhysicalOffset),
      commitLogMaxOffset: String(stats.maxPhysicalOffset),
      earliestMessageTimeStamp: String(await this.store.earliestStoreTimestamp()),
      commitLogDiskRatio: String(ratios.commitLog),
      consumeQueueDiskRatio: String(ratios.consumeQueue),
      startAcceptSendRequestTimeStamp: '0',
    };
    for (const { name, value } of this.counters.samples()) table[name] = String(value);
    const mismatched = this.mismatches.groupNames;
    if (mismatched.length > 0) {
      table.subscriptionMismatchGroupNames = mismatched.slice(0, MAX_LISTED_MISMATCH_GROUPS).join(';');
    }
    for (let level = 1; level <= this.facts.delayLevels; level++) {
      const max = this.store.maxOffset(SCHEDULE_TOPIC, level - 1);
      if (max > 0) table[`scheduleMessageOffset_${level}`] = `${this.delayOffsets.get(level)},${max}`;
    }
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeKVTable({ table }) });
  }
}

function formatRuntime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  return `${days} days, ${hours} hours, ${minutes} minutes, ${seconds % 60} seconds`;
}
