import { notOnDisk } from './commit-log/flush-service.js';
import type { Refusal } from './commit-log/put-check.js';
import * as defaults from './defaults.js';
import type { StoreSettings } from './message-store-options.js';
import type { StoreParts } from './store-parts.js';

/** Why an open store takes no message now, or undefined: what is full, slow or broken in one of its parts. */
export function refusalOf(parts: StoreParts, settings: StoreSettings): Refusal | undefined {
  const { group, pipeline, writer, queues } = parts;
  if (
    group.bufferedBytes >= settings.maxBufferedBytes ||
    group.pending + pipeline.pending >= settings.maxPendingAppends
  ) {
    return {
      status: 'OS_PAGE_CACHE_BUSY',
      reason: `${group.bufferedBytes} bytes of ${group.pending + pipeline.pending} messages wait for the disk`,
    };
  }
  const since = writer.writingSinceMs;
  if (since !== undefined && settings.clock.monotonicMs() - since > settings.osPageCacheBusyTimeoutMs) {
    return {
      status: 'OS_PAGE_CACHE_BUSY',
      reason: `a write to the log takes more than ${settings.osPageCacheBusyTimeoutMs} ms`,
    };
  }
  if (queues.writeFailure !== undefined && queues.unwrittenBytes > defaults.MAX_UNWRITTEN_QUEUE_BYTES) {
    return {
      status: 'SERVICE_NOT_AVAILABLE',
      reason: `the consume queues cannot be written: ${queues.writeFailure.message}`,
    };
  }
  const { failure } = parts.flush;
  if (failure !== undefined) return { status: 'SERVICE_NOT_AVAILABLE', reason: notOnDisk(failure) };
  return parts.replication.putRefusal?.() ?? parts.retention.refusal ?? group.refusal();
}
