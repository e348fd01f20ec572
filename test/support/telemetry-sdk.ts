import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { waitFor } from './wait-for.js';
import { w3cPropagator } from './w3c-propagator.js';

/** The OpenTelemetry SDK as an application sets it up, whose spans stay here. Installed for the whole process until `remove`. */
export class TelemetrySdk {
  private readonly exporter = new InMemorySpanExporter();

  constructor() {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(w3cPropagator);
    trace.setGlobalTracerProvider(
      new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.exporter)] }),
    );
  }

  get ended(): ReadableSpan[] {
    return this.exporter.getFinishedSpans();
  }

  named(name: string): ReadableSpan[] {
    return this.ended.filter((span) => span.name === name);
  }

  /** The one span of a name. */
  async the(name: string): Promise<ReadableSpan> {
    const [span, ...others] = await this.all(name, 1);
    if (others.length > 0) throw new Error(`${others.length + 1} spans are named ${name}`);
    return span;
  }

  all(name: string, count: number): Promise<ReadableSpan[]> {
    return waitFor(
      () => (this.named(name).length >= count ? this.named(name) : undefined),
      `${count} spans "${name}"`,
      30_000,
    );
  }

  /** Runs inside of a span of the application. */
  async within<T>(name: string, run: () => Promise<T>): Promise<T> {
    return trace.getTracer('application').startActiveSpan(name, (span) => run().finally(() => span.end()));
  }

  /** A span of the application that ends at once. */
  mark(name: string): void {
    trace.getTracer('application').startSpan(name).end();
  }

  reset(): void {
    this.exporter.reset();
  }

  remove(): void {
    trace.disable();
    propagation.disable();
    context.disable();
  }
}

export function isChildOf(span: ReadableSpan, parent: ReadableSpan): boolean {
  const { traceId, spanId } = parent.spanContext();
  return span.spanContext().traceId === traceId && span.parentSpanContext?.spanId === spanId;
}

/** Ids of the spans that a span has links to. */
export function linkedIds(span: ReadableSpan): string[] {
  return span.links.map(({ context: { spanId } }) => spanId);
}

export function idOf(span: ReadableSpan): string {
  return span.spanContext().spanId;
}
