import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { TransactionListener } from '@rocknest/client-core';
import { invalidOption } from '../errors.js';
import { RocketMQProducer } from '../producer/rocketmq.producer.js';
import { TRANSACTION_LISTENER_METADATA } from './transaction-listener.decorator.js';

/** Introduces classes with `@TransactionListener()` to their producers. */
@Injectable()
export class TransactionLink implements OnModuleInit {
  constructor(@Inject(ModulesContainer) private readonly modules: ModulesContainer) {}

  /** @throws RocketMQPluginError INVALID_OPTION for a listener without its producer, or with another one's. */
  onModuleInit(): void {
    const producers = new Map<string, RocketMQProducer>();
    const listeners = new Map<string, TransactionListener>();
    for (const module of this.modules.values()) {
      for (const { instance, metatype } of module.providers.values()) {
        const value: unknown = instance;
        if (value instanceof RocketMQProducer) producers.set(value.name, value);
        if (typeof metatype !== 'function') continue;
        const name = Reflect.getMetadata(TRANSACTION_LISTENER_METADATA, metatype) as string | undefined;
        if (name === undefined) continue;
        const listener = checkedListener(value, metatype.name);
        const other = listeners.get(name);
        if (other !== undefined && other !== listener) {
          throw invalidOption(
            `producer "${name}" has two transaction listeners, ${other.constructor.name} and ${metatype.name}: one is allowed`,
          );
        }
        listeners.set(name, listener);
      }
    }
    for (const [name, listener] of listeners) {
      const producer = producers.get(name);
      if (producer === undefined) {
        throw invalidOption(
          `@TransactionListener('${name}') of ${listener.constructor.name} names a producer that is not there: RocketMQModule.forFeature makes named ones`,
        );
      }
      producer.attachTransactionListener(listener);
    }
  }
}

function checkedListener(value: unknown, className: string): TransactionListener {
  const listener = value as Partial<TransactionListener> | null | undefined;
  if (typeof listener?.executeLocalTransaction === 'function' && typeof listener.checkLocalTransaction === 'function') {
    return listener as TransactionListener;
  }
  throw invalidOption(
    `${className} has @TransactionListener() but no executeLocalTransaction and checkLocalTransaction, or is not a singleton`,
  );
}
