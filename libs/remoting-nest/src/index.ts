export * from './errors.js';
export { ReadsAtOnce, RequestHandler } from './request-handler.decorator.js';
export type { RequestHandlerDecorator, RequestHandlerMethod } from './request-handler.decorator.js';
export { REMOTING_TRANSPORT } from './request-handler-metadata.js';
export { RequestErrorFilter } from './request-error.filter.js';
export { RequestContext } from './request-context.js';
export { RemotingModule } from './remoting.module.js';
export { RemotingServerStrategy } from './remoting-server.strategy.js';
export type {
  AdditionalListener,
  RemotingServerEvents,
  RemotingServerStatus,
  RemotingServerStrategyOptions,
} from './remoting-server.strategy.js';
export { stopOnSignals, type StopLogger } from './stop-on-signals.js';
