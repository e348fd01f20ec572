import { errorText, MQClientError, MQClientErrorCode } from '../errors.js';

/*
 * What this room uses of `@opentelemetry/api`, by structure: applications without that package compile and run, and nothing of it is in the
 * declarations of ours.
 */

/** Opaque. */
export interface TelemetryContext {
  setValue(key: symbol, value: unknown): TelemetryContext;
}

export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
}

export interface SpanLink {
  readonly context: SpanContext;
}

type AttributeValue = string | number | boolean | readonly string[];
export type Attributes = Record<string, AttributeValue | undefined>;

export interface Span {
  setAttributes(attributes: Attributes): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  recordException(error: Error): void;
  /** Since 1.9 of the API. */
  addLink?(link: SpanLink): unknown;
  end(): void;
}

export interface SpanOptions {
  kind: number;
  attributes: Attributes;
  links?: SpanLink[];
  /** ms since 1970. Default: now. */
  startTime?: number;
}

export interface Tracer {
  startSpan(name: string, options: SpanOptions, context: TelemetryContext): Span;
}

type Carrier = Record<string, string>;

export interface TelemetryApi {
  readonly context: {
    active(): TelemetryContext;
    with<T>(context: TelemetryContext, run: () => T): T;
  };
  readonly trace: {
    getTracer(name: string): Tracer;
    setSpan(context: TelemetryContext, span: Span): TelemetryContext;
    getSpanContext(context: TelemetryContext): SpanContext | undefined;
  };
  readonly propagation: {
    inject(context: TelemetryContext, carrier: Carrier): void;
    extract(context: TelemetryContext, carrier: Readonly<Carrier>): TelemetryContext;
    fields(): string[];
  };
  readonly ROOT_CONTEXT: TelemetryContext;
}

/** Of the API, which never changes them. */
export const SpanKind = { CLIENT: 2, PRODUCER: 3, CONSUMER: 4 } as const;
export const STATUS_ERROR = 2;

const PACKAGE = '@opentelemetry/api';
let loading: Promise<TelemetryApi> | undefined;

/**
 * The application's own copy of the API. Nothing of it is loaded before the first call.
 *
 * @throws MQClientError INVALID_ARGUMENT when it has none.
 */
export function loadTelemetry(): Promise<TelemetryApi> {
  // Named by a variable, so that neither compilers nor bundlers look for a package that may not be there.
  loading ??= (import(PACKAGE) as Promise<TelemetryApi>).catch((cause: unknown) => {
    loading = undefined;
    throw new MQClientError(
      MQClientErrorCode.INVALID_ARGUMENT,
      `openTelemetry is on, but ${PACKAGE} can't be loaded (${errorText(cause)}): npm install ${PACKAGE}`,
      { cause },
    );
  });
  return loading;
}
