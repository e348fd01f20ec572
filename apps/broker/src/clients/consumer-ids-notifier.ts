import { RemotingCommand, RequestCode } from '@rocknest/protocol';
import { CONSUMER_IDS_NOTICE_INTERVAL_MS } from '../defaults.js';
import type { ConsumerGroupInfo } from './consumer-group-info.js';

/**
 * Tells every member of a group that its members changed, so that all of them rebalance at once
 * (NOTIFY_CONSUMER_IDS_CHANGED, oneway). The first change is told at the end of the loop turn; further ones
 * within `CONSUMER_IDS_NOTICE_INTERVAL_MS` are told together.
 *
 * Follows `broker/client/DefaultConsumerIdsChangeListener.java`.
 */
export class ConsumerIdsNotifier {
  /** Groups told a moment ago; `again` says that another change came since. */
  private readonly recent = new Map<string, { timer: NodeJS.Timeout; again: ConsumerGroupInfo | undefined }>();
  private closed = false;

  notify(group: ConsumerGroupInfo): void {
    if (this.closed) return;
    const recent = this.recent.get(group.groupName);
    if (recent !== undefined) {
      recent.again = group;
      return;
    }
    const entry = {
      again: undefined as ConsumerGroupInfo | undefined,
      timer: setTimeout(() => {
        this.recent.delete(group.groupName);
        if (entry.again !== undefined) this.notify(entry.again);
      }, CONSUMER_IDS_NOTICE_INTERVAL_MS),
    };
    entry.timer.unref();
    this.recent.set(group.groupName, entry);
    setImmediate(() => this.send(group));
  }

  close(): void {
    this.closed = true;
    for (const { timer } of this.recent.values()) clearTimeout(timer);
    this.recent.clear();
  }

  private send(group: ConsumerGroupInfo): void {
    if (this.closed) return;
    for (const connection of group.channels.keys()) {
      // A member that does not read is told by its own rebalance timer (20 s) instead of filling its socket's buffer.
      if (connection.closed || !connection.writable) continue;
      const notice = RemotingCommand.request(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, {
        consumerGroup: group.groupName,
      });
      connection.oneway(notice.markOneway());
    }
  }
}
