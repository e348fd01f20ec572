import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { labelInExtras } from '../consumer/handler-label.js';

/** Where `@EventPattern` and `@MessagePattern` leave the extras on the method (microservices/constants: PATTERN_EXTRAS_METADATA). */
const PATTERN_EXTRAS_METADATA = 'microservices:pattern_extras';

/**
 * Names a handler for humans. Nest gives a transport only a wrapped function; the extras object it passes is the very one on the
 * decorated method, by which the method is found again among the controllers.
 */
export class HandlerNames {
  private container: ModulesContainer | undefined = undefined;
  private names: Map<object, string> | undefined = undefined;

  /** From now on methods decorated with Nest's own decorators have names too. */
  attach(container: ModulesContainer): void {
    this.container = container;
    this.names = undefined;
  }

  of(extras: object, pattern: unknown): string {
    const known = labelInExtras(extras) ?? this.scan().get(extras);
    if (known !== undefined) return known;
    return `the handler of pattern ${typeof pattern === 'string' ? `"${pattern}"` : JSON.stringify(pattern)}`;
  }

  private scan(): Map<object, string> {
    if (this.names) return this.names;
    const names = new Map<object, string>();
    const scanner = new MetadataScanner();
    for (const module of this.container?.values() ?? []) {
      for (const { metatype } of module.controllers.values()) {
        if (typeof metatype !== 'function') continue;
        const prototype = metatype.prototype as Record<string, object>;
        for (const method of scanner.getAllMethodNames(prototype)) {
          const extras: unknown = Reflect.getMetadata(PATTERN_EXTRAS_METADATA, prototype[method]);
          if (typeof extras === 'object' && extras !== null) names.set(extras, `${metatype.name}.${method}`);
        }
      }
    }
    this.names = names;
    return names;
  }
}
