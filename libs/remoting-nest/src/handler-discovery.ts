import type { Type } from '@nestjs/common';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { readingAtOnce, type RequestHandler } from '@rocknest/remoting';
import { declaredEnhancers, READS_AT_ONCE_METADATA, requestCodesOf } from './request-handler-metadata.js';

/** A method with `@RequestHandler` in the application. */
export interface DiscoveredHandler {
  codes: readonly number[];
  /** `PullMessageHandler.handle (BrokerModule)`, for messages. */
  place: string;
  /** Calls the method of the one instance that Nest made. Undefined when Nest makes an instance for each request. */
  plain: RequestHandler | undefined;
  isController: boolean;
  /** Words for what Nest has to run around the method; empty when there is nothing. */
  enhancers: string[];
}

// Tokens under which Nest registers global enhancers that are providers.
const GLOBAL_ENHANCER_TOKENS = /^(APP_(?:GUARD|PIPE|INTERCEPTOR|FILTER)) \(UUID: /;

/** Finds all methods with `@RequestHandler` on the controllers and providers of an application. */
export function discoverHandlers(modules: ModulesContainer): DiscoveredHandler[] {
  const scanner = new MetadataScanner();
  const found: DiscoveredHandler[] = [];
  for (const module of modules.values()) {
    for (const [wrappers, isController] of [
      [module.controllers.values(), true],
      [module.providers.values(), false],
    ] as const) {
      for (const wrapper of wrappers) {
        const type = wrapper.metatype;
        // What a factory or a value provides is no class of the application.
        if (typeof type !== 'function' || wrapper.inject || wrapper.isAlias) continue;
        const host = isStatic(wrapper) ? (wrapper.instance as object | undefined) : undefined;
        for (const key of scanner.getAllMethodNames(type.prototype as object)) {
          const handler = describe(type as Type<object>, key, host, isController, module.name);
          if (handler !== undefined) found.push(handler);
        }
      }
    }
  }
  return found;
}

/** Global enhancers that are providers (`APP_GUARD` and the like). */
export function globalEnhancerTokens(modules: ModulesContainer): string[] {
  const tokens = new Set<string>();
  for (const module of modules.values()) {
    for (const token of module.providers.keys()) {
      const match = typeof token === 'string' ? GLOBAL_ENHANCER_TOKENS.exec(token) : null;
      if (match !== null) tokens.add(match[1]);
    }
  }
  return [...tokens];
}

function describe(
  type: Type<object>,
  key: string,
  host: object | undefined,
  isController: boolean,
  moduleName: string,
): DiscoveredHandler | undefined {
  const method: unknown = (type.prototype as Record<string, unknown>)[key];
  const codes = requestCodesOf(method);
  if (codes === undefined) return undefined;
  return {
    codes,
    place: `${type.name}.${key} (${moduleName})`,
    plain: host === undefined ? undefined : bindMethod(host, key),
    isController,
    enhancers: declaredEnhancers(type, key, method as object),
  };
}

/** The instance's own property counts, so that a test that replaces a method on it is served by the replacement. */
function bindMethod(host: object, key: string): RequestHandler {
  const method = (host as Record<string, RequestHandler>)[key];
  const bound = method.bind(host);
  return Reflect.hasMetadata(READS_AT_ONCE_METADATA, method) ? readingAtOnce(bound) : bound;
}

function isStatic(wrapper: { isDependencyTreeStatic(): boolean; isTransient: boolean }): boolean {
  return wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
}
