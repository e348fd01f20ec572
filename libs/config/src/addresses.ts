import { PORT_MAX } from './defaults.js';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

const HOST_PATTERN = /^(?:\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)$/;

/** Reads `host:port` (an IPv6 address in brackets). Returns what is wrong as a text when it cannot be read. */
export function parseAddress(text: string): HostAndPort | string {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return `"${text}" has no port`;
  const host = text.slice(0, colon);
  const portText = text.slice(colon + 1);
  const port = Number(portText);
  if (!HOST_PATTERN.test(host)) return `"${text}" has no valid host name (an IPv6 address stands in brackets)`;
  if (!/^\d+$/.test(portText) || port < 1 || port > PORT_MAX) return `"${text}" has no port from 1 to ${PORT_MAX}`;
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port };
}
