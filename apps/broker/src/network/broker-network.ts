import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

export interface NetworkSettings {
  /** Address that clients are told, empty when not configured. */
  readonly brokerIP1: string;
  /** Address to listen on, empty when not configured. */
  readonly bindAddress: string;
  /** `host:port` of each configured namesrv; empty when the broker brings its own. */
  readonly namesrvAddresses: readonly string[];
}

export interface BrokerNetwork {
  /** Where the broker listens. */
  readonly bindAddress: string;
  /** What it registers with the namesrvs and writes into messages as the store host. */
  readonly advertisedIp: string;
  /** One line for each thing that will probably not work as meant. */
  readonly warnings: readonly string[];
}

const LOOPBACK = '127.0.0.1';
const ANY_ADDRESS = '0.0.0.0';
/** Networks that container engines give out by default; addresses there mean nothing outside of the machine. */
const CONTAINER_NETWORKS: readonly (readonly [prefix: string, engine: string])[] = [
  ['172.17.', "Docker's default network"],
  ['10.88.', "Podman's default network"],
];

/**
 * Decides what the broker listens on and what it advertises. As long as only this machine is meant (namesrv embedded or on loopback, and
 * no address set) nothing listens wider than 127.0.0.1.
 */
export function resolveBrokerNetwork(
  settings: NetworkSettings,
  localAddresses: readonly string[] = nonLoopbackIpv4Addresses(),
): BrokerNetwork {
  const { brokerIP1, bindAddress } = settings;
  const othersComeIn =
    settings.namesrvAddresses.some((address) => !isLoopback(hostOf(address))) ||
    (brokerIP1 !== '' && !isLoopback(brokerIP1)) ||
    (bindAddress !== '' && !isLoopback(bindAddress));
  const advertisedIp = advertised(settings, othersComeIn, localAddresses);
  return {
    bindAddress: bindAddress !== '' ? bindAddress : othersComeIn ? ANY_ADDRESS : LOOPBACK,
    advertisedIp,
    warnings: othersComeIn ? warningsOf(advertisedIp) : [],
  };
}

function advertised(settings: NetworkSettings, othersComeIn: boolean, localAddresses: readonly string[]): string {
  if (settings.brokerIP1 !== '') return settings.brokerIP1;
  const bound = settings.bindAddress;
  if (bound !== '' && !isUnspecified(bound)) return bound;
  return othersComeIn ? (localAddresses[0] ?? LOOPBACK) : LOOPBACK;
}

function warningsOf(advertisedIp: string): string[] {
  if (isLoopback(advertisedIp)) {
    return [
      `the advertised address ${advertisedIp} is loopback: clients on other machines will be sent to themselves. Set brokerIP1 to an address that they reach.`,
    ];
  }
  const container = CONTAINER_NETWORKS.find(([prefix]) => advertisedIp.startsWith(prefix));
  if (container === undefined) return [];
  return [
    `the advertised address ${advertisedIp} is in ${container[1]}: clients outside of this host cannot reach it. Set brokerIP1 to an address that they reach.`,
  ];
}

/** `host:port` without the port. */
export function hostOf(address: string): string {
  const colon = address.lastIndexOf(':');
  return colon < 0 ? address : address.slice(0, colon).replace(/^\[|\]$/g, '');
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function isUnspecified(host: string): boolean {
  return host === ANY_ADDRESS || host === '::';
}

/** This machine's IPv4 addresses but loopback; addresses of container bridges come last. */
function nonLoopbackIpv4Addresses(): string[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter((entry) => entry.family === 'IPv4' && !entry.internal)
    .map((entry) => entry.address);
  const isContainer = (address: string): boolean => CONTAINER_NETWORKS.some(([prefix]) => address.startsWith(prefix));
  return [...addresses.filter((address) => !isContainer(address)), ...addresses.filter(isContainer)];
}
