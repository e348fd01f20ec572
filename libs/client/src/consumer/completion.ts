import { isObservable, lastValueFrom } from 'rxjs';

/**
 * Waits until a handler has really finished. Nest's wrapped handler resolves with an Observable when the method returned one, when
 * an interceptor is in the way, and when an exception filter turned a failure into one: that one is followed to its end too.
 */
export async function awaitCompletion(result: unknown): Promise<unknown> {
  let value = await result;
  while (isObservable(value)) value = await lastValueFrom(value, { defaultValue: undefined });
  return value;
}
