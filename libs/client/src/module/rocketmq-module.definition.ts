import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { RocketMQModuleOptions } from './rocketmq-module.options.js';

/** `forRoot` and `forRootAsync` (useFactory, useClass, useExisting), with `isGlobal` beside the options. */
export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<RocketMQModuleOptions>({ moduleName: 'RocketMQ' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createRocketMQOptions')
    .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
    .build();
