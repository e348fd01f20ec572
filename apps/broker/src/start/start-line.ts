import type { RunningBroker } from '../broker.js';

/** The one line that says that the broker serves, where, and what to do next. */
export function startLine(broker: RunningBroker): string {
  const namesrv = broker.embeddedNamesrv ? `own namesrv ${broker.namesrvAddr}` : `namesrv ${broker.namesrvAddr}`;
  const listening = broker.listenAddress === broker.address ? '' : ` (listening on ${broker.listenAddress})`;
  return (
    `serving at ${broker.address}${listening}, ${namesrv}, store ${broker.storePath}. ` +
    `Next: give clients namesrvAddr "${broker.namesrvAddr}", or try "npm run demo" in another terminal.`
  );
}
