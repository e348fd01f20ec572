import 'reflect-metadata';

/** The transport of `@RequestHandler` methods: other microservices of the same application leave them alone. */
export const REMOTING_TRANSPORT: unique symbol = Symbol('rocknest.remoting');

/** Request codes of a method. */
export const REQUEST_HANDLER_METADATA = 'rocknest:request_codes';

/** On a method that is through with the bytes of a request when it returns. */
export const READS_AT_ONCE_METADATA = 'rocknest:reads_at_once';

// Nest's own keys, as `@nestjs/common/constants` has them. A test fails when an upgrade changes one.
const PARAM_ARGS_METADATA = '__routeArguments__';
const ENHANCER_METADATA = {
  guards: '__guards__',
  pipes: '__pipes__',
  interceptors: '__interceptors__',
  filters: '__exceptionFilters__',
} as const;

interface ParamMetadata {
  index: number;
  data?: unknown;
  pipes?: unknown[];
}

/** What `Payload()` on the first and `Ctx()` on the second parameter leave behind. */
const PLAIN_PARAMS: Readonly<Record<string, number>> = { '3:0': 0, '6:1': 1 };

export function requestCodesOf(method: unknown): readonly number[] | undefined {
  if (typeof method !== 'function') return undefined;
  return Reflect.getMetadata(REQUEST_HANDLER_METADATA, method) as readonly number[] | undefined;
}

export function hasParamMetadata(type: object, key: string | symbol): boolean {
  return Reflect.hasMetadata(PARAM_ARGS_METADATA, type, key);
}

/**
 * What a method or its class declares that Nest has to run around it, as words for a message: `guards`, `pipes`,
 * `interceptors`, `filters`, `parameters`. Empty when the method can be called as it is.
 */
export function declaredEnhancers(type: object, key: string, method: object): string[] {
  const found: string[] = [];
  for (const [name, metadataKey] of Object.entries(ENHANCER_METADATA)) {
    if (isDeclared(metadataKey, type) || isDeclared(metadataKey, method)) found.push(name);
  }
  if (!hasPlainParams(type, key)) found.push('parameters');
  return found;
}

function isDeclared(metadataKey: string, target: object): boolean {
  const declared: unknown = Reflect.getMetadata(metadataKey, target);
  return Array.isArray(declared) && declared.length > 0;
}

function hasPlainParams(type: object, key: string): boolean {
  const params = Reflect.getMetadata(PARAM_ARGS_METADATA, type, key) as Record<string, ParamMetadata> | undefined;
  if (params === undefined) return true;
  return Object.entries(params).every(
    ([name, param]) =>
      PLAIN_PARAMS[name] === param.index && param.data === undefined && (param.pipes ?? []).length === 0,
  );
}
