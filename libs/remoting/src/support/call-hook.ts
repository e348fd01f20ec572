import type { LimitedLog } from '../logger.js';
import { describeError } from './describe-error.js';

/** Calls a connection hook of the user; what it throws is logged and ends nothing. */
export function callHook(log: LimitedLog, hook: () => void): void {
  try {
    hook();
  } catch (error) {
    log.error('hook', `a connection hook threw: ${describeError(error)}`);
  }
}
