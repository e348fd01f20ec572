import type { RunningNamesrv } from '../namesrv.js';

/** The one line that says that the namesrv serves, where, and what to do next. */
export function startLine(namesrv: RunningNamesrv): string {
  const everywhere = namesrv.listenAddress === namesrv.address ? '' : ` (listening on ${namesrv.listenAddress})`;
  return (
    `serving at ${namesrv.address}${everywhere}, store ${namesrv.storePath}. ` +
    `Next: start brokers with "npm run broker -- -n ${namesrv.address}", and give clients namesrvAddr "${namesrv.address}".`
  );
}
