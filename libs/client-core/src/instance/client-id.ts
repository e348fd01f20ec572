import { networkInterfaces } from 'node:os';

/** The first IPv4 address that is not loopback, else 127.0.0.1 (`RemotingUtil.getLocalAddress`). Tools show it as the place of a client. */
export function localIp(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const address of addresses ?? []) if (address.family === 'IPv4' && !address.internal) return address.address;
  }
  return '127.0.0.1';
}

let instances = 0;
const processStart = `${process.pid}#${(BigInt(Date.now()) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n)).toString()}`;

/** A name for an instance that nobody named: unique over processes by pid and start time, within the process by a count (`ClientConfig.changeInstanceNameToPID`). */
export function nextInstanceName(): string {
  return instances++ === 0 ? processStart : `${processStart}#${instances}`;
}

/** `ip@instanceName[@unitName]` (`ClientConfig.buildMQClientId`). Tools split it at `@`. */
export function buildClientId(ip: string, instanceName: string, unitName: string | undefined): string {
  return unitName ? `${ip}@${instanceName}@${unitName}` : `${ip}@${instanceName}`;
}
