import { requestCodeName } from '@rocknest/protocol';
import type { RequestHandler } from '@rocknest/remoting';
import { RequestHandlerSetupError } from './errors.js';
import type { DiscoveredHandler } from './handler-discovery.js';

export interface HandlerTableSources {
  discovered: readonly DiscoveredHandler[];
  /** The handler that runs a code's method through Nest's wrapping; undefined when Nest did not wrap one. */
  wrapped(code: number): RequestHandler | undefined;
  /** True when global enhancers shall run: then every method goes through Nest's wrapping. */
  useGlobalEnhancers: boolean;
}

/**
 * The function for each request code.
 *
 * @throws RequestHandlerSetupError when two methods serve one code, or a method needs Nest's wrapping and has none
 */
export function buildHandlerTable(sources: HandlerTableSources): Map<number, RequestHandler> {
  const table = new Map<number, RequestHandler>();
  const places = new Map<number, string>();
  for (const handler of sources.discovered) {
    for (const code of handler.codes) {
      const other = places.get(code);
      if (other !== undefined) throw duplicate(code, other, handler.place);
      places.set(code, handler.place);
      table.set(code, resolve(code, handler, sources));
    }
  }
  return table;
}

function resolve(code: number, handler: DiscoveredHandler, sources: HandlerTableSources): RequestHandler {
  const needed = [...handler.enhancers];
  if (handler.plain === undefined) needed.push('an instance for each request');
  if (sources.useGlobalEnhancers) needed.push('global enhancers');
  if (needed.length === 0 && handler.plain !== undefined) return handler.plain;
  const wrapped = handler.isController ? sources.wrapped(code) : undefined;
  if (wrapped !== undefined) return wrapped;
  throw new RequestHandlerSetupError(
    `${handler.place} needs ${needed.join(', ')}, which Nest runs for controllers only: list its class in a module's controllers`,
    { code, place: handler.place, needed },
  );
}

function duplicate(code: number, first: string, second: string): RequestHandlerSetupError {
  return new RequestHandlerSetupError(
    `request code ${code} (${requestCodeName(code)}) has two handlers: ${first} and ${second}. Remove @RequestHandler from one of them, ` +
      `or list the class in one module only`,
    { code, first, second },
  );
}
