/** What to tell a human whose application could not start; undefined when the error is none that we know. */
export function explainStartError(error: unknown, namesrvAddr: string): string | undefined {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  if (code === 'NAMESRV_UNREACHABLE') {
    return `No bus answers at ${namesrvAddr}. Start one in another terminal with "npm start", or set NAMESRV_ADDR to the address of yours.`;
  }
  return undefined;
}

/** Tells why the start failed and ends the process with code 1. */
export function exitOnStartError(error: unknown, namesrvAddr: string): never {
  console.error(explainStartError(error, namesrvAddr) ?? error);
  process.exit(1);
}
