import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { createNamesrv, type NamesrvConfig, type RunningNamesrv } from '@rocknest/namesrv';
import { NamesrvPeer } from './namesrv-peer.js';

export interface Namesrvs {
  /** A fresh folder for each test. */
  folder: string;
  start(config?: Partial<NamesrvConfig>): Promise<RunningNamesrv>;
  connect(namesrv: RunningNamesrv): NamesrvPeer;
}

/** Namesrvs and their peers, closed after each test of a file. */
export function useNamesrvs(): Namesrvs {
  const running: RunningNamesrv[] = [];
  const peers: NamesrvPeer[] = [];
  const namesrvs: Namesrvs = {
    folder: '',
    start: async (config = {}) => {
      const storePath = join(namesrvs.folder, `namesrv-${running.length}`);
      const namesrv = await createNamesrv({ listenPort: 0, storePath, shutdownGraceMs: 500, ...config });
      running.push(namesrv);
      return namesrv;
    },
    connect: ({ address }) => {
      const peer = new NamesrvPeer(address);
      peers.push(peer);
      return peer;
    },
  };
  beforeEach(() => {
    namesrvs.folder = mkdtempSync(join(tmpdir(), 'rocknest-namesrv-'));
  });
  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.close()));
    await Promise.all(running.splice(0).map((namesrv) => namesrv.close()));
    rmSync(namesrvs.folder, { recursive: true, force: true });
  });
  return namesrvs;
}
