import { responseCodeName, RocknestError } from '@rocknest/protocol';
import { MQBrokerError } from '../errors.js';
import type { ResolvedClientOptions } from '../options.js';
import type { SpanKind } from './telemetry-api.js';
import {
  loadTelemetry,
  STATUS_ERROR,
  type Attributes,
  type Span,
  type SpanLink,
  type TelemetryApi,
  type TelemetryContext,
  type Tracer,
} from './telemetry-api.js';

/** The name under which the spans of these clients are made. */
const TRACER_NAME = '@rocknest/client';
const SYSTEM = 'rocketmq';
/** The one field of propagators that says nothing of who made a message. */
const BAGGAGE = 'baggage';

type Properties = Readonly<Record<string, string>>;

/** What the conventions say of an operation: its name stands before the topic in the span's name. */
export interface Operation {
  readonly name: string;
  /** Left out where none of theirs fits. */
  readonly type?: 'send' | 'receive' | 'process' | 'settle';
  readonly kind: (typeof SpanKind)[keyof typeof SpanKind];
}

interface StartOptions {
  /** Default: the active context. */
  readonly parent?: TelemetryContext | undefined;
  readonly links?: SpanLink[] | undefined;
  /** ms since 1970. Default: now. */
  readonly startTime?: number | undefined;
}

/** Makes the spans of one client, after the semantic conventions for messaging (https://opentelemetry.io/docs/specs/semconv/messaging/). */
export class ClientTelemetry {
  private readonly tracer: Tracer;

  constructor(
    readonly api: TelemetryApi,
    private readonly clientId: string,
    private readonly names: Pick<ResolvedClientOptions, 'namespace' | 'namespaceV2'>,
  ) {
    this.tracer = api.trace.getTracer(TRACER_NAME);
  }

  /** The name of a topic or group that the application knows. */
  known(name: string): string {
    return this.names.namespace?.without(name) ?? name;
  }

  start({ name, type, kind }: Operation, topic: string, attributes: Attributes, options: StartOptions = {}): Span {
    const destination = this.known(topic);
    const { parent, links, startTime } = options;
    const { namespace, namespaceV2 } = this.names;
    return this.tracer.startSpan(
      `${name} ${destination}`,
      {
        kind,
        attributes: {
          'messaging.system': SYSTEM,
          'messaging.destination.name': destination,
          'messaging.operation.name': name,
          'messaging.operation.type': type,
          'messaging.client.id': this.clientId,
          'messaging.rocketmq.namespace': namespace?.name ?? namespaceV2,
          ...attributes,
        },
        ...(links !== undefined && links.length > 0 && { links }),
        ...(startTime !== undefined && { startTime }),
      },
      parent ?? this.api.context.active(),
    );
  }

  /** Runs with the span active: spans and sends inside are its children. */
  within<T>(span: Span, run: () => T, parent?: TelemetryContext): T {
    const { context, trace } = this.api;
    return context.with(trace.setSpan(parent ?? context.active(), span), run);
  }

  /** What sent a message, as its properties tell. */
  contextOf(properties: Properties): TelemetryContext {
    return this.api.propagation.extract(this.api.ROOT_CONTEXT, properties);
  }

  /** A link to what sent a message; none where it tells nothing. */
  linksTo(properties: Properties | undefined): SpanLink[] {
    const context = properties && this.api.trace.getSpanContext(this.contextOf(properties));
    return context === undefined ? [] : [{ context }];
  }

  /** True when the program gave a message a context of its own, which stays as it is. */
  hasOwnContext(properties: Properties | undefined): boolean {
    return (
      properties !== undefined &&
      this.api.propagation.fields().some((field) => field !== BAGGAGE && Object.hasOwn(properties, field))
    );
  }

  /** The properties with the span's context. All of it, or nothing where the program gave its own: halves of two would be neither. */
  injected(properties: Properties | undefined, span: Span): Properties | undefined {
    if (this.hasOwnContext(properties)) return properties;
    const { context, trace, propagation } = this.api;
    const fields: Record<string, string> = {};
    propagation.inject(trace.setSpan(context.active(), span), fields);
    return { ...fields, ...properties };
  }

  /** A span around a call, which runs with it active. */
  async around<T>(
    operation: Operation,
    topic: string,
    attributes: Attributes,
    options: StartOptions,
    call: (span: Span) => Promise<T>,
  ): Promise<T> {
    const span = this.start(operation, topic, attributes, options);
    try {
      const result = await this.within(span, () => call(span), options.parent);
      span.end();
      return result;
    } catch (error) {
      this.fail(span, error);
      throw error;
    }
  }

  fail(span: Span, error: unknown): void {
    if (error instanceof Error) span.recordException(error);
    failed(span, errorType(error), error instanceof Error ? error.message : String(error));
  }
}

/** Ends a span as an error without an exception of its own. */
export function failed(span: Span, type: string, message: string): void {
  span.setAttributes({ 'error.type': type });
  span.setStatus({ code: STATUS_ERROR, message });
  span.end();
}

/** Of few values: the code of an error of ours, what a broker answered, or the error's class. */
function errorType(error: unknown): string {
  if (error instanceof MQBrokerError) return responseCodeName(error.responseCode);
  if (error instanceof RocknestError) return error.code;
  return error instanceof Error ? error.name : '_OTHER';
}

/** Undefined at once where the option is off: then nothing of the API is loaded. Rejects with INVALID_ARGUMENT when the application lacks it. */
export function telemetryApiFor({ openTelemetry }: ResolvedClientOptions): Promise<TelemetryApi> | undefined {
  return openTelemetry ? loadTelemetry() : undefined;
}
