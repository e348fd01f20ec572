import { context, propagation, trace, type TextMapPropagator } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';

/** The part of W3C's trace context that this example needs. `NodeSDK`, which applications use, brings all of it along. */
const traceContext: TextMapPropagator = {
  inject(from, carrier, setter) {
    const span = trace.getSpanContext(from);
    if (span) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-0${span.traceFlags}`);
  },
  extract(into, carrier, getter) {
    const value = getter.get(carrier, 'traceparent');
    const [, traceId, spanId, flags] = typeof value === 'string' ? value.split('-') : [];
    if (flags === undefined) return into;
    return trace.setSpanContext(into, { traceId, spanId, traceFlags: Number(flags), isRemote: true });
  },
  fields: () => ['traceparent'],
};

/** Sets the SDK up as an application does before it starts, with an exporter that keeps the spans here. */
export function startTelemetry(): { spans(): ReadableSpan[]; stop(): void } {
  const exporter = new InMemorySpanExporter();
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(traceContext);
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  return {
    spans: () => exporter.getFinishedSpans(),
    stop() {
      trace.disable();
      propagation.disable();
      context.disable();
    },
  };
}

/** Spans of one trace as a tree, one line for each. */
export function treeOf(spans: readonly ReadableSpan[], parentId: string | undefined, indent = ''): string[] {
  return spans
    .filter(({ parentSpanContext }) => parentSpanContext?.spanId === parentId)
    .flatMap((span) => [
      `${indent}${span.name}${span.attributes['error.type'] === undefined ? '' : ` (${String(span.attributes['error.type'])})`}`,
      ...treeOf(spans, span.spanContext().spanId, `${indent}  `),
    ]);
}
