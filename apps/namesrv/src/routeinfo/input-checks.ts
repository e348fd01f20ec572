import { ResponseCode } from '@rocknest/protocol';
import { MAX_FILTER_SERVERS, NAME_MAX_LENGTH } from '../defaults.js';
import { RequestRefusedError } from '../errors.js';
import type { RegisterBrokerInput } from './broker-registration.js';

/** Everything below a blank is a control character. */
const FIRST_PRINTABLE = 0x20;

/** @throws RequestRefusedError when a text is too long for a name or has control characters. */
export function checkName(what: string, name: string): void {
  let printable = true;
  for (let index = 0; index < name.length && printable; index++) printable = name.charCodeAt(index) >= FIRST_PRINTABLE;
  if (printable && name.length <= NAME_MAX_LENGTH) return;
  throw refused(
    `the ${what} name has ${name.length} characters or control characters; allowed are ${NAME_MAX_LENGTH} without`,
  );
}

/** @throws RequestRefusedError when a registration holds what no broker sends. */
export function checkRegistration(input: RegisterBrokerInput): void {
  checkName('cluster', input.clusterName);
  checkName('broker', input.brokerName);
  checkName('broker address', input.brokerAddr);
  checkName('HA address', input.haServerAddr);
  if (input.zoneName !== undefined) checkName('zone', input.zoneName);
  if (input.filterServers.length > MAX_FILTER_SERVERS) {
    throw refused(
      `the broker has ${input.filterServers.length} filter servers; at most ${MAX_FILTER_SERVERS} are kept`,
    );
  }
  for (const server of input.filterServers) checkName('filter server', server);
  for (const { topicName } of Object.values(input.topics.topicConfigTable)) checkName('topic', topicName);
}

function refused(message: string): RequestRefusedError {
  return new RequestRefusedError(ResponseCode.SYSTEM_ERROR, message);
}
