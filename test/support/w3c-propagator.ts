import { TraceFlags, trace, type TextMapPropagator } from '@opentelemetry/api';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** W3C trace context as the SDK's core package has it, for what tests need. */
export const w3cPropagator: TextMapPropagator = {
  inject(context, carrier, setter) {
    const found = trace.getSpanContext(context);
    if (!found) return;
    const flags = found.traceFlags.toString(16).padStart(2, '0');
    setter.set(carrier, 'traceparent', `00-${found.traceId}-${found.spanId}-${flags}`);
    if (found.traceState) setter.set(carrier, 'tracestate', found.traceState.serialize());
  },
  extract(context, carrier, getter) {
    const [, traceId, spanId, flags] = TRACEPARENT.exec(String(getter.get(carrier, 'traceparent'))) ?? [];
    if (traceId === undefined) return context;
    const traceFlags = parseInt(flags, 16) & TraceFlags.SAMPLED;
    return trace.setSpanContext(context, { traceId, spanId, traceFlags, isRemote: true });
  },
  fields: () => ['traceparent', 'tracestate'],
};
