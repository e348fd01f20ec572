import { Inject } from '@nestjs/common';
import { getClientToken, getProducerToken } from '../tokens.js';

/** Injects a `RocketMQProducer`: the one of `RocketMQModule.forFeature` with that name, or the default one of `forRoot`. */
export const InjectProducer = (name?: string): PropertyDecorator & ParameterDecorator => Inject(getProducerToken(name));

/** Injects a `ClientProxy` over that producer. */
export const InjectClient = (name?: string): PropertyDecorator & ParameterDecorator => Inject(getClientToken(name));
