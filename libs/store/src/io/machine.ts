import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import v8 from 'node:v8';
import vm from 'node:vm';

/** What the store asks of the machine it runs on; a simulator answers for a machine that crashes. */
export interface Machine {
  readonly memoryBytes: number;
  readonly hostname: string;
  readonly pid: number;
  /** Names the run of the kernel: it changes with each boot. Empty when the platform does not tell. */
  bootId(): string;
  /** Names the set of process ids that this process sees; differs between containers. Empty when the platform does not tell. */
  pidNamespace(): string;
  /** When the process started, in the kernel's own unit: with the pid it names a process for good. Undefined when there is none, or the platform does not tell. */
  processStart(pid: number): string | undefined;
  /** Whether there is a process of that id, as far as this process sees. */
  processExists(pid: number): boolean;
  /** Ids of processes that hold a POSIX or flock lock on the file, as far as the platform tells (a Java broker holds one). */
  lockHolders(path: string, inode: number): number[];
  /** A name that nobody has had before. */
  uniqueToken(): string;
  /** Gives memory that nothing refers to back to the machine: an idle process allocates nothing, so V8 would keep it for hours. */
  collectGarbage(): void;
}

/** The machine at hand. */
export class LocalMachine implements Machine {
  readonly memoryBytes = os.totalmem();
  readonly hostname = os.hostname();
  readonly pid = process.pid;

  bootId(): string {
    return readText('/proc/sys/kernel/random/boot_id').trim();
  }

  pidNamespace(): string {
    try {
      return fs.readlinkSync('/proc/self/ns/pid');
    } catch {
      return '';
    }
  }

  processStart(pid: number): string | undefined {
    const stat = readText(`/proc/${pid}/stat`);
    // The command may hold spaces and brackets: fields are counted from behind its last bracket. Field 22 is starttime.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return stat === '' ? undefined : fields[19];
  }

  processExists(pid: number): boolean {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  }

  lockHolders(path: string, inode: number): number[] {
    const holders: number[] = [];
    for (const line of readText('/proc/locks').split('\n')) {
      // 1: POSIX  ADVISORY  WRITE 4711 fd:01:131 0 EOF
      const match = /(?:POSIX|FLOCK)\s+\S+\s+WRITE\s+(-?\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s/.exec(line);
      if (match !== null && Number(match[2]) === inode) holders.push(Number(match[1]));
    }
    // Another file system has a file with the same number, and the kernel's device numbers do not always match those of stat.
    return holders.filter((pid) => mayHaveOpen(pid, path));
  }

  uniqueToken(): string {
    return randomUUID();
  }

  collectGarbage(): void {
    // The flag only adds `gc` to contexts made from now on. (The inspector's collectGarbage is a deadlock when its session ends too early.)
    v8.setFlagsFromString('--expose-gc');
    const collect: unknown = vm.runInNewContext('globalThis.gc');
    v8.setFlagsFromString('--no-expose-gc');
    if (typeof collect === 'function') (collect as () => void)();
  }
}

function readText(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** False when the process has certainly not opened the file: other users' processes cannot be asked, nor those of other containers (pid 0 or -1). */
function mayHaveOpen(pid: number, path: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    const wanted = fs.statSync(path);
    return fs.readdirSync(folder).some((name) => {
      const open = fs.statSync(`${folder}/${name}`, { throwIfNoEntry: false });
      return open?.ino === wanted.ino && open.dev === wanted.dev;
    });
  } catch {
    return true;
  }
}
