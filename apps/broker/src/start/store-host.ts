import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { BrokerStartError } from '../errors.js';

/** The advertised address as raw IP text, as it is written into stored messages: `brokerIP1` may be a host name. */
export async function storeHostIp(advertised: string): Promise<string> {
  if (isIP(advertised) !== 0) return advertised;
  try {
    return (await lookup(advertised, { family: 4 })).address;
  } catch (error) {
    throw new BrokerStartError(
      'BROKER_ADDRESS_UNKNOWN',
      `brokerIP1 is ${advertised}, which is neither an IP address nor a name that can be resolved: set it to an address that clients reach.`,
      { cause: error },
    );
  }
}
