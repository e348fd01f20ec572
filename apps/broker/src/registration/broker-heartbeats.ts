import type { RemotingClient } from '@rocknest/remoting';
import type { NamesrvRegistration } from './namesrv-registration.js';
import type { RegistrationMessages } from './registration-messages.js';

/**
 * Tells the namesrvs all the time that this broker lives, so that they notice its death soon; for groups whose slaves stand in for a master.
 *
 * Follows `scheduleSendHeartbeat` of `broker/BrokerController.java`.
 */
export class BrokerHeartbeats {
  private timer: NodeJS.Timeout | undefined = undefined;

  constructor(
    private readonly client: Pick<RemotingClient, 'isConnected' | 'invokeOneway'>,
    private readonly registration: Pick<NamesrvRegistration, 'addresses'>,
    private readonly messages: Pick<RegistrationMessages, 'heartbeat'>,
  ) {}

  start(intervalMs: number): void {
    this.timer = setInterval(() => this.beat(), intervalMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private beat(): void {
    for (const address of this.registration.addresses) {
      // Registrations look after the connection; one that is lost is news enough for the namesrv.
      if (!this.client.isConnected(address)) continue;
      this.client.invokeOneway(address, this.messages.heartbeat()).catch(() => undefined);
    }
  }
}
