import type { RocketMQContext } from '../context/rocketmq.context.js';
import { RocketMQPluginError, RocketMQPluginErrorCode } from '../errors.js';

/** Nest's `setOnProcessingStartHook`: must call `done`, which runs the handler. */
export type ProcessingStartHook = (transportId: symbol, context: unknown, done: () => Promise<unknown>) => unknown;
/** Nest's `setOnProcessingEndHook`. */
export type ProcessingEndHook = (transportId: symbol, context: unknown) => void;

/**
 * Runs a handler between Nest's processing hooks: the official doors for trace spans and async local storage. Their types let a
 * start hook return nothing, so the outcome of the handler is taken from `done` itself, not from what the hook returns.
 */
export class ProcessingHooks {
  start: ProcessingStartHook | undefined = undefined;
  end: ProcessingEndHook | undefined = undefined;

  constructor(private readonly transportId: () => symbol) {}

  /** True when there is nothing to call, and the handler can be run as it is. */
  get empty(): boolean {
    return this.start === undefined && this.end === undefined;
  }

  /** Runs `work`; the end hook is called once, whatever the outcome. */
  run(context: RocketMQContext, work: () => Promise<unknown>): Promise<unknown> {
    const id = this.transportId();
    const finished = async (): Promise<unknown> => {
      try {
        return await work();
      } finally {
        this.end?.(id, context);
      }
    };
    const { start } = this;
    if (start === undefined) return finished();
    return new Promise((resolve, reject) => {
      let begun: Promise<unknown> | undefined;
      const done = (): Promise<unknown> => {
        // A second call must not run the handler again.
        if (begun === undefined) {
          begun = finished();
          begun.then(resolve, reject);
        }
        return begun;
      };
      const notCalled = (cause?: unknown): void => {
        if (begun !== undefined) return;
        begun = Promise.resolve();
        reject(
          new RocketMQPluginError(
            RocketMQPluginErrorCode.HOOK,
            'the onProcessingStart hook ended without calling done(), so the handler did not run',
            { cause },
          ),
        );
      };
      try {
        Promise.resolve(start(id, context, done)).then(
          // A hook that returns nothing may call done() later; one that returned a promise had its time.
          (value) => (value === undefined ? undefined : notCalled()),
          notCalled,
        );
      } catch (error) {
        notCalled(error);
      }
    });
  }
}
