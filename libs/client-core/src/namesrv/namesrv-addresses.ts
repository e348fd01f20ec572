import { MQClientError, MQClientErrorCode } from '../errors.js';

const HOST_PORT = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/;
/** More namesrvs than anyone runs; a longer list is a mistake. */
const MAX_NAMESRVS = 64;

function invalid(message: string, namesrvAddr: string): MQClientError {
  return new MQClientError(MQClientErrorCode.INVALID_NAMESRV_ADDR, message, { details: { namesrvAddr } });
}

/**
 * The addresses in `host:port;host:port`, trimmed, without duplicates, in the order given.
 *
 * @throws MQClientError INVALID_NAMESRV_ADDR that says which part is wrong.
 */
export function parseNamesrvAddr(namesrvAddr: string | undefined): string[] {
  const text = (namesrvAddr ?? '').trim();
  if (text === '') {
    throw invalid(
      'no namesrv address: set namesrvAddr, or NAMESRV_ADDR in the environment, for instance 127.0.0.1:9876',
      text,
    );
  }
  const parts = text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  for (const part of parts) {
    const match = HOST_PORT.exec(part);
    const port = Number(match?.[2] ?? 0);
    if (!match || port < 1 || port > 65_535) {
      const hint = part.includes(',')
        ? ' (several addresses are separated by ";")'
        : part.includes('://')
          ? ' (write host:port without a scheme)'
          : '';
      throw invalid(`namesrv address "${part}" is not host:port${hint}, for instance 127.0.0.1:9876`, text);
    }
  }
  const addresses = [...new Set(parts)];
  if (addresses.length === 0) throw invalid(`namesrv address "${text}" names no host:port`, text);
  if (addresses.length > MAX_NAMESRVS)
    throw invalid(`${addresses.length} namesrv addresses, more than ${MAX_NAMESRVS}`, text);
  return addresses;
}
