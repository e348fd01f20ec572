import { Module, type DynamicModule } from '@nestjs/common';
import { RocketMQModule } from '@rocknest/client';
import { OrdersModule } from './orders/orders.module.js';

@Module({})
export class AppModule {
  static on(namesrvAddr: string): DynamicModule {
    return {
      module: AppModule,
      imports: [RocketMQModule.forRoot({ namesrvAddr, producer: { group: 'order-service' } }), OrdersModule],
    };
  }
}
