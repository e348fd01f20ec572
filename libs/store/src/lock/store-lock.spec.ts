import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { SystemClock } from '../io/clock.js';
import { LocalMachine } from '../io/machine.js';
import { NodeFileSystem } from '../io/node-file-system.js';
import { put, smallStore, tempFolder } from '../testing/store-fixture.js';
import { decodeOwner, describeSelf, lifeOf } from './lock-owner.js';
import { StoreLock } from './store-lock.js';

/** A machine as another container of the same host sees it, or another host. */
class OtherMachine extends LocalMachine {
  constructor(
    private readonly seen: { hostname?: string; bootId?: string; pidNamespace?: string; pid?: number; start?: string },
  ) {
    super();
    if (seen.hostname !== undefined) Object.assign(this, { hostname: seen.hostname });
    if (seen.pid !== undefined) Object.assign(this, { pid: seen.pid });
  }

  override bootId(): string {
    return this.seen.bootId ?? super.bootId();
  }

  override pidNamespace(): string {
    return this.seen.pidNamespace ?? super.pidNamespace();
  }

  override processStart(pid: number): string | undefined {
    return this.seen.start ?? super.processStart(pid);
  }
}

describe('the store lock', () => {
  let folder: ReturnType<typeof tempFolder>;
  let held: StoreLock[];
  let path: string;

  beforeEach(() => {
    folder = tempFolder();
    path = join(folder.path, 'lock');
    held = [];
  });

  afterEach(() => {
    for (const lock of held) lock.release();
    folder.remove();
  });

  function lock(
    machine = new LocalMachine(),
    options = { heartbeatMs: 10, staleMs: 100 },
    onLost = (): void => {},
  ): StoreLock {
    const made = new StoreLock(path, options, new NodeFileSystem(), new SystemClock(), machine, onLost);
    held.push(made);
    return made;
  }

  /** A lock file that an owner left behind who is not there any more. */
  function leaveLock(owner: object): void {
    writeFileSync(path, '');
    const inode = new NodeFileSystem().stat(path)?.inode;
    writeFileSync(path, JSON.stringify({ ...describeSelf(new LocalMachine(), inode ?? 0), ...owner }));
  }

  it('keeps others out until it is released', async () => {
    const first = lock();
    await first.acquire();
    await expect(lock().acquire()).rejects.toMatchObject({ code: 'STORE_LOCKED', details: { pid: process.pid } });
    first.release();
    expect(existsSync(path)).toBe(false);
    await lock().acquire();
  });

  it('keeps a second store out of the folder, and says who is in it', async () => {
    const store = smallStore(folder.path);
    await store.open();
    await put(store);
    await expect(smallStore(folder.path).open()).rejects.toThrow(`in use by process ${process.pid}`);
    await store.close();
  });

  it('is taken over from a process that was killed', async () => {
    // Holds what a store would hold, and dies without a word.
    const child = spawn(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1000)'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const start = new LocalMachine().processStart(child.pid ?? 0);
    leaveLock({ pid: child.pid, processStart: start, token: 'theirs' });
    if (start !== undefined) await expect(lock().acquire()).rejects.toThrow('in use by process');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await lock().acquire();
    expect(decodeOwner(readFileSync(path))?.pid).toBe(process.pid);
  });

  it('is taken over when the pid belongs to another process by now, or the machine was restarted', async () => {
    leaveLock({ processStart: '1' });
    await lock().acquire();
    held.pop()?.release();
    leaveLock({ bootId: 'an earlier run of the kernel' });
    await lock().acquire();
  });

  it('belongs to the folder: a copy of a store that is in use can be opened', async () => {
    const store = smallStore(folder.path);
    await store.open();
    await put(store);
    const copy = tempFolder();
    cpSync(folder.path, copy.path, { recursive: true });
    // Nobody touches it; a fresh copy is watched for a while.
    const minuteAgo = new Date(Date.now() - 60_000);
    utimesSync(join(copy.path, 'lock'), minuteAgo, minuteAgo);
    const second = smallStore(copy.path);
    expect((await second.open()).cleanStop).toBe(false);
    await second.close();
    await store.close();
    copy.remove();
  });

  it('watches a file with another inode, which may be a copy or a file system that gives new ones', async () => {
    const options = { heartbeatMs: 10, staleMs: 60_000 };
    const seenElsewhere = (inode: number): LocalMachine => {
      const machine = new OtherMachine({ pidNamespace: 'pid:[1]', pid: 7 });
      const owner = describeSelf(machine, inode);
      writeFileSync(path, JSON.stringify({ ...owner, token: 'theirs' }));
      return machine;
    };
    writeFileSync(path, '');
    seenElsewhere(1);
    const beats = setInterval(() => utimesSync(path, new Date(), new Date()), 5);
    try {
      await expect(lock(new LocalMachine(), options).acquire()).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    } finally {
      clearInterval(beats);
    }
    await lock().acquire();
  });

  it('sees the heartbeat where only an opened file shows fresh times, as on NFS', async () => {
    const options = { heartbeatMs: 10, staleMs: 60_000 };
    await lock(new OtherMachine({ pidNamespace: 'pid:[1]', pid: 7 }), options).acquire();
    const fileSystem = new NodeFileSystem();
    const cached = fileSystem.stat(path);
    const stat = fileSystem.stat.bind(fileSystem);
    fileSystem.stat = (name) => (name === path ? cached : stat(name));
    const second = new StoreLock(path, options, fileSystem, new SystemClock(), new LocalMachine(), () => undefined);
    await expect(second.acquire()).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  });

  it('is not lost when its file system gives it another inode', async () => {
    const lost: string[] = [];
    const fileSystem = new NodeFileSystem();
    const stat = fileSystem.stat.bind(fileSystem);
    let shift = 0;
    let asked = 0;
    fileSystem.stat = (name) => {
      const real = stat(name);
      if (name === path) asked++;
      return real === undefined ? undefined : { ...real, inode: real.inode + shift };
    };
    const options = { heartbeatMs: 5, staleMs: 60_000 };
    const made = new StoreLock(path, options, fileSystem, new SystemClock(), new LocalMachine(), (reason) => {
      lost.push(reason);
    });
    held.push(made);
    await made.acquire();
    shift = 1_000_000;
    asked = 0;
    await waitFor(() => asked > 5);
    expect(lost).toEqual([]);
    made.release();
    expect(existsSync(path)).toBe(false);
  });

  it.skipIf(process.platform !== 'linux')('knows who holds a file lock, and on which file', async () => {
    writeFileSync(path, 'lock');
    const other = join(folder.path, 'other');
    writeFileSync(other, '');
    const inode = new NodeFileSystem().stat(path)?.inode ?? 0;
    const machine = new LocalMachine();
    const holder = spawn('flock', ['--no-fork', path, 'sleep', '60'], { stdio: 'ignore' });
    try {
      expect(await waitFor(() => machine.lockHolders(path, inode).at(0))).toBe(holder.pid);
      await expect(lock().acquire()).rejects.toThrow(`in use by process ${holder.pid}, which holds a file lock`);
      // The same number on another disk.
      expect(machine.lockHolders(other, inode)).toEqual([]);
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
  });

  it('takes over the file that RocketMQ leaves behind, and an old empty one', async () => {
    writeFileSync(path, 'lock');
    await lock().acquire();
    held.pop()?.release();
    writeFileSync(path, '');
    await lock().acquire();
  });

  it('watches the heartbeat of an owner in another container', async () => {
    // Stale far beyond any pause of the machine that runs the test: the first beat that is seen decides.
    const options = { heartbeatMs: 10, staleMs: 60_000 };
    await lock(new OtherMachine({ pidNamespace: 'pid:[1]', pid: 7 }), options).acquire();
    await expect(lock(new LocalMachine(), options).acquire()).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  });

  it('is taken over from an owner elsewhere whose heartbeat has stopped', async () => {
    leaveLock({ pidNamespace: 'pid:[1]', token: 'container' });
    await lock().acquire();
    held.pop()?.release();
    leaveLock({ hostname: 'another-host', bootId: 'another kernel', token: 'host' });
    await lock().acquire();
  });

  it('lets one of many in that find a dead owner', async () => {
    leaveLock({ processStart: '1' });
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => lock().acquire()));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is kept out by a file lock of a Java broker', async () => {
    writeFileSync(path, 'lock');
    const inode = new NodeFileSystem().stat(path)?.inode;
    const machine = new LocalMachine();
    machine.lockHolders = (asked, askedInode) => (asked === path && askedInode === inode ? [4711] : []);
    await expect(lock(machine).acquire()).rejects.toThrow('process 4711');
  });

  it('notices that its file was taken away, and the store takes no more messages', async () => {
    const store = smallStore(folder.path);
    await store.open();
    rmSync(path);
    const reason = await waitFor(() => store.stats().notWritable);
    expect(reason).toContain('lock');
    expect(await put(store)).toMatchObject({ status: 'SERVICE_NOT_AVAILABLE' });
    await store.close();
  });

  it('notices a Java broker that was started on the same store, and leaves its lock alone', async () => {
    const store = smallStore(folder.path);
    await store.open();
    const file = openSync(path, 'r+');
    writeSync(file, 'lock', 0);
    closeSync(file);
    const reason = await waitFor(() => store.stats().notWritable);
    expect(reason).toContain('an Apache RocketMQ broker was started on the store');
    expect(await put(store)).toMatchObject({ status: 'SERVICE_NOT_AVAILABLE' });
    await store.close();
    expect(existsSync(path)).toBe(true);
  });

  it('tells the life of an owner only where it can be seen', () => {
    const here = new LocalMachine();
    const owner = describeSelf(here, 1);
    expect(lifeOf(owner, here)).toBe(owner.processStart === undefined ? 'unknown' : 'alive');
    expect(lifeOf({ ...owner, bootId: 'x' }, new OtherMachine({ bootId: 'y' }))).toBe('dead');
    expect(lifeOf({ ...owner, bootId: 'x' }, new OtherMachine({ bootId: 'y', hostname: 'z' }))).toBe('unknown');
    expect(lifeOf({ ...owner, bootId: 'x' }, new OtherMachine({ bootId: 'x', pidNamespace: 'p' }))).toBe('unknown');
    expect(lifeOf({ ...owner, pid: 2 ** 30 }, here)).toBe('dead');
  });
});
