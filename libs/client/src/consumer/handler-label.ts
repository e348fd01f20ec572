/** Key in a handler's extras under which `@ConcurrentConsumer` leaves `Class.method`, for messages to humans. */
export const HANDLER_LABEL: unique symbol = Symbol.for('rocknest.handler-label');

/** The label in the extras of a handler, when its decorator left one. */
export function labelInExtras(extras: object): string | undefined {
  const label = (extras as { [HANDLER_LABEL]?: unknown })[HANDLER_LABEL];
  return typeof label === 'string' ? label : undefined;
}
