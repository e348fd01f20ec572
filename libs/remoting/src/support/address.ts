import { isIPv4 } from 'node:net';

const MAPPED_PREFIX = '::ffff:';

/** An IPv4 address that came in over an IPv6 socket is an IPv4 address. */
export function plainIp(ip: string): string {
  return ip.startsWith(MAPPED_PREFIX) && isIPv4(ip.slice(MAPPED_PREFIX.length)) ? ip.slice(MAPPED_PREFIX.length) : ip;
}

/** `ip:port`; an IPv6 address stands in brackets. */
export function formatAddress(ip: string | undefined, port: number | undefined): string {
  if (ip === undefined) return 'unknown:0';
  const plain = plainIp(ip);
  return plain.includes(':') ? `[${plain}]:${port ?? 0}` : `${plain}:${port ?? 0}`;
}

export interface HostAndPort {
  host: string;
  port: number;
}

/** Splits `host:port` or `[ipv6]:port` (brackets may be missing: the last colon counts). Undefined when it is neither. */
export function parseAddress(address: string): HostAndPort | undefined {
  const colon = address.lastIndexOf(':');
  if (colon <= 0) return undefined;
  const portText = address.slice(colon + 1);
  if (!/^\d{1,5}$/.test(portText)) return undefined;
  const port = Number(portText);
  if (port < 1 || port > 65_535) return undefined;
  const host = address.slice(0, colon);
  return { host: host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host, port };
}
