import { Inject } from '@nestjs/common';
import { getLitePullConsumerToken } from '../tokens.js';

/** Injects the `LitePullConsumer` of `RocketMQModule.forFeature({ litePullConsumers })` with that name, which Nest starts and shuts down. */
export const InjectLitePullConsumer = (name: string): PropertyDecorator & ParameterDecorator =>
  Inject(getLitePullConsumerToken(name));
