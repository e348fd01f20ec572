import { Logger, type Provider } from '@nestjs/common';
import { coreClientFactory, type LitePullConsumerPort } from '../core-port.js';
import { DRAIN_TIMEOUT_MS } from '../defaults.js';
import { invalidOption } from '../errors.js';
import { LitePullLifecycle } from '../lite-pull/lite-pull-lifecycle.js';
import type { LitePullConsumerDefinition } from '../lite-pull/lite-pull-options.js';
import { pickConnection, resolveConnection } from '../support/connection.js';
import { getLitePullConsumerToken } from '../tokens.js';
import { MODULE_OPTIONS_TOKEN } from './rocketmq-module.definition.js';
import type { RocketMQModuleOptions } from './rocketmq-module.options.js';

function create(definition: LitePullConsumerDefinition, root: RocketMQModuleOptions | undefined): LitePullConsumerPort {
  const { name, subscribe: _subscribe, assign: _assign, drainTimeoutMs: _drainTimeoutMs, ...own } = definition;
  if (root === undefined && own.namesrvAddr === undefined) {
    throw invalidOption(
      `lite pull consumer "${name}" of RocketMQModule.forFeature knows no bus: import RocketMQModule.forRoot() once (without isGlobal: false), or give it a namesrvAddr`,
    );
  }
  const { clientFactory = coreClientFactory, ...options } = resolveConnection(own, pickConnection(root ?? {}));
  return clientFactory.createLitePullConsumer({ ...options, logger: new Logger(`LitePullConsumer:${name}`) });
}

/**
 * A lite pull consumer and what starts and stops it.
 *
 * @throws RocketMQPluginError INVALID_OPTION.
 */
export function litePullConsumer(definition: LitePullConsumerDefinition): Provider[] {
  const { name, subscribe, assign, drainTimeoutMs = DRAIN_TIMEOUT_MS } = definition;
  if (subscribe && assign) {
    throw invalidOption(`lite pull consumer "${name}" has subscribe and assign; it is given topics, or queues`);
  }
  if (!Number.isFinite(drainTimeoutMs) || drainTimeoutMs < 0) {
    throw invalidOption(`drainTimeoutMs is ${drainTimeoutMs}, must be a number of milliseconds, 0 or more`);
  }
  const token = getLitePullConsumerToken(name);
  return [
    {
      provide: token,
      inject: [{ token: MODULE_OPTIONS_TOKEN, optional: true }],
      useFactory: (root: RocketMQModuleOptions | undefined) => create(definition, root),
    },
    {
      provide: `${token}:lifecycle`,
      inject: [token],
      useFactory: (consumer: LitePullConsumerPort) => new LitePullLifecycle(consumer, definition, drainTimeoutMs),
    },
  ];
}
