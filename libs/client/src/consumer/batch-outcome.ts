import { RocketMQPluginError, RocketMQPluginErrorCode } from '../errors.js';
import { BatchFailure } from '../exceptions/outcome-exceptions.js';
import { asError } from '../support/as-error.js';

function isSettledResult(value: unknown): value is PromiseSettledResult<unknown> {
  const status = (value as { status?: unknown } | null | undefined)?.status;
  return status === 'fulfilled' || status === 'rejected';
}

function ofAll(count: number, error: unknown): Map<number, unknown> {
  return new Map(Array.from({ length: count }, (_, index) => [index, error]));
}

function wrongOutcome(text: string): RocketMQPluginError {
  return new RocketMQPluginError(RocketMQPluginErrorCode.BATCH_OUTCOME, text);
}

/**
 * Which messages of a batch failed, by index: those that a handler which returned the array of `Promise.allSettled` says were rejected, those of a
 * thrown `BatchFailure`, all for anything else that is thrown, none for any other return value. An outcome that does not fit the batch
 * fails all: guessing would lose messages.
 */
export async function batchFailures(work: Promise<unknown>, count: number): Promise<ReadonlyMap<number, unknown>> {
  let value: unknown;
  try {
    value = await work;
  } catch (error) {
    if (!(error instanceof BatchFailure)) return ofAll(count, asError(error));
    const outside = [...error.failures.keys()].find((index) => !Number.isInteger(index) || index < 0 || index >= count);
    if (outside === undefined) return error.failures;
    return ofAll(count, wrongOutcome(`a BatchFailure names message ${String(outside)} of a batch of ${count}`));
  }
  if (!Array.isArray(value) || value.length === 0 || !value.every(isSettledResult)) return new Map();
  if (value.length !== count) {
    return ofAll(count, wrongOutcome(`the handler returned ${value.length} settled results for a batch of ${count}`));
  }
  const failures = new Map<number, unknown>();
  for (const [index, result] of value.entries()) if (result.status === 'rejected') failures.set(index, result.reason);
  return failures;
}
