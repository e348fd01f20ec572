import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildProgram } from './build-program.js';

/** What a device refuses, each with the error it is refused with (`EIO`, `ENOSPC`, ...). */
export interface Faults {
  readonly read?: string;
  readonly write?: string;
  /** The flush of the device's cache, which ends each fdatasync. */
  readonly sync?: string;
  /** Writes to blocks that were never written: a thin-provisioned volume whose pool is used up. */
  readonly grow?: string;
}

export interface FailingDeviceOptions {
  readonly sizeBytes: number;
  /** For `mkfs.ext4`. */
  readonly format?: readonly string[];
  readonly mountOptions?: string;
}

const PROBE_BYTES = 8 * 1024 * 1024;

/**
 * A disk that really fails: ext4 on a loop device over a file of a FUSE file system that refuses what it is told to. So page cache, write-back and
 * journal are the kernel's own, and an error comes to the broker in the way in which that of a broken disk does. Needs root and /dev/fuse.
 */
export class FailingDevice {
  private server: ChildProcess | undefined;
  private loop: string | undefined;

  private constructor(private readonly folder: string) {}

  /** Why this machine cannot do it; undefined where it can. */
  static whyImpossible(): string | undefined {
    let device: FailingDevice | undefined;
    try {
      device = FailingDevice.create({ sizeBytes: PROBE_BYTES });
      return undefined;
    } catch (error) {
      return (error as Error).message.split('\n')[0];
    } finally {
      device?.remove();
    }
  }

  /** Makes the device with a file system on it, and mounts it. */
  static create(options: FailingDeviceOptions): FailingDevice {
    if (process.platform !== 'linux') throw new Error('only Linux has loop devices');
    if (process.getuid?.() !== 0) throw new Error('only root may mount');
    const device = new FailingDevice(mkdtempSync(join(tmpdir(), 'rocknest-device-')));
    try {
      device.attach(options);
      return device;
    } catch (error) {
      device.remove();
      throw error;
    }
  }

  /** Where the file system is mounted. */
  get path(): string {
    return join(this.folder, 'disk');
  }

  /** From now on these fail, and nothing else. */
  fail(faults: Faults): void {
    const file = join(this.folder, 'faults');
    writeFileSync(`${file}.new`, JSON.stringify(faults));
    renameSync(`${file}.new`, file);
  }

  /** Everything works again. */
  work(): void {
    this.fail({});
  }

  /** Unmounts and mounts it, which nobody may use meanwhile: what is not on the device is gone. */
  mountAgain(): void {
    run('umount', [this.path]);
    run('mount', ['-t', 'ext4', '-o', 'noatime', String(this.loop), this.path]);
  }

  /** Changes the options of the mount, as `mount -o remount,OPTIONS`. */
  remount(options: string): void {
    run('mount', ['-o', `remount,${options}`, this.path]);
  }

  /** Makes the kernel forget what it holds of a file in memory, so that the next read asks the device. */
  dropCache(file: string): void {
    run('sync', [file]);
    run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
  }

  /** Whatever state it is in. Never throws. */
  remove(): void {
    this.work();
    spawnSync('umount', [this.path]);
    // Still in use: gone as soon as that ends.
    spawnSync('umount', ['-l', this.path]);
    if (this.loop !== undefined) spawnSync('losetup', ['-d', this.loop]);
    spawnSync('umount', ['-l', this.image]);
    this.server?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get image(): string {
    return join(this.folder, 'image');
  }

  private attach({ sizeBytes, format = [], mountOptions = 'noatime' }: FailingDeviceOptions): void {
    const backing = join(this.folder, 'backing');
    for (const file of [this.image, backing]) writeFileSync(file, '');
    truncateSync(backing, sizeBytes);
    mkdirSync(this.path);
    this.work();
    const program = buildProgram('test/support/failing-device-server.ts', this.folder);
    this.serve(program, backing);
    this.loop = run('losetup', ['--direct-io=on', '--find', '--show', this.image]).trim();
    run('mkfs.ext4', ['-q', '-F', '-E', 'nodiscard,lazy_itable_init=0,lazy_journal_init=0', ...format, this.loop]);
    run('mount', ['-t', 'ext4', '-o', mountOptions, this.loop, this.path]);
  }

  private serve(program: string, backing: string): void {
    const fuse = openSync('/dev/fuse', 'r+');
    try {
      const options = `fd=3,rootmode=100000,user_id=0,group_id=0`;
      run('mount', ['-i', '-t', 'fuse', '-o', options, 'rocknest-device', this.image], fuse);
      // It ends with this process, however that ends.
      const args = ['--pdeathsig', 'KILL', process.execPath, program, '3', backing, join(this.folder, 'faults')];
      this.server = spawn('setpriv', args, { stdio: ['ignore', 'inherit', 'inherit', fuse] });
      this.server.on('error', () => undefined);
    } finally {
      closeSync(fuse);
    }
  }
}

function run(command: string, args: readonly string[], inherited?: number): string {
  const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'pipe', 'pipe'];
  if (inherited !== undefined) stdio.push(inherited);
  const { status, stdout, stderr, error } = spawnSync(command, [...args], { stdio, encoding: 'utf8', timeout: 60_000 });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}
