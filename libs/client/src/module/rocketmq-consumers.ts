import { Inject, Injectable } from '@nestjs/common';
import { RocketMQPluginError, RocketMQPluginErrorCode } from '../errors.js';
import type { RocketMQServer } from '../server/rocketmq.server.js';
import type { ConsumerTarget, PausedConsumer } from '../server/consumer-target.js';
import { ServerLink } from './server-link.js';

/**
 * Pauses and resumes consumers of this application at run time: inject it where the decision is made (a circuit breaker, an admin endpoint). A pause
 * counts for this process; other members of the group go on.
 */
@Injectable()
export class RocketMQConsumers {
  constructor(@Inject(ServerLink) private readonly link: ServerLink) {}

  /**
   * @param target a group, a topic, one queue of a topic; everything when left out.
   * @throws RocketMQPluginError CLIENT_INVALID_OPTION when no consumer of this application is meant.
   */
  pause(target: ConsumerTarget = {}): void {
    this.each(target, (server) => server.pause(target));
  }

  /** Ends pauses within `target`, all when left out. */
  resume(target: ConsumerTarget = {}): void {
    this.each(target, (server) => server.resume(target));
  }

  /** What rests, by group. */
  paused(): PausedConsumer[] {
    return [...this.link.servers].flatMap((server) => server.paused());
  }

  private each(target: ConsumerTarget, act: (server: RocketMQServer) => void): void {
    const servers = [...this.link.servers].filter((server) => server.consumes(target));
    if (servers.length === 0) {
      throw new RocketMQPluginError(
        RocketMQPluginErrorCode.INVALID_OPTION,
        `no consumer of this application is ${JSON.stringify(target)}; is the microservice listening?`,
      );
    }
    for (const server of servers) act(server);
  }
}
