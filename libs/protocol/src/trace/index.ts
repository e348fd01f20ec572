export { decodeTraceData } from './decode-trace.js';
export { encodeTraceContext, traceKeys } from './encode-trace.js';
export * from './trace-context.js';
