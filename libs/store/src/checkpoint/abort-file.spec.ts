import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalMachine } from '../io/machine.js';
import { NodeFileSystem } from '../io/node-file-system.js';
import { FaultyFileSystem, systemError } from '../testing/faulty-file-system.js';
import { RestartedMachine, tempFolder } from '../testing/store-fixture.js';
import { AbortFile } from './abort-file.js';

class FirstRun extends LocalMachine {
  override bootId(): string {
    return 'the first run of the kernel';
  }
}

describe('the abort file', () => {
  let folder: { path: string; remove(): void };
  const abort = (machine: LocalMachine): AbortFile =>
    new AbortFile(join(folder.path, 'abort'), new NodeFileSystem(), machine);

  beforeEach(() => {
    folder = tempFolder();
  });

  afterEach(() => {
    folder.remove();
  });

  it('tells a killed process from a machine that went down', async () => {
    expect(abort(new FirstRun()).find()).toBeUndefined();
    await abort(new FirstRun()).create();
    expect(abort(new FirstRun()).find()).toEqual({ machineRestarted: false, flushFailed: false, wasOurs: true });
    expect(abort(new RestartedMachine()).find()).toMatchObject({ machineRestarted: true, flushFailed: false });
  });

  it('remembers a failed fdatasync as long as the kernel runs, and what the last run left', async () => {
    await abort(new FirstRun()).create();
    abort(new FirstRun()).noteFailedFlush();
    expect(abort(new FirstRun()).find()).toMatchObject({ machineRestarted: false, flushFailed: true });
    expect(abort(new RestartedMachine()).find()).toMatchObject({ machineRestarted: true, flushFailed: false });

    // The recovery that follows the power loss fails to sync: both hold.
    abort(new RestartedMachine()).noteFailedFlush();
    expect(abort(new RestartedMachine()).find()).toMatchObject({ machineRestarted: true, flushFailed: true });
    await abort(new RestartedMachine()).create();
    expect(abort(new RestartedMachine()).find()).toMatchObject({ machineRestarted: false, flushFailed: false });
  });

  it('needs no space after a proper stop, nor after one that was none', async () => {
    const disk = new FaultyFileSystem();
    const onDisk = (machine: LocalMachine): AbortFile => new AbortFile(join(folder.path, 'abort'), disk, machine);
    disk.onWrite = () => systemError('ENOSPC');
    await expect(onDisk(new FirstRun()).create()).rejects.toThrow('ENOSPC');
    expect(onDisk(new FirstRun()).find()).toBeUndefined();
    disk.onWrite = () => undefined;
    await onDisk(new FirstRun()).create();

    onDisk(new FirstRun()).remove();
    expect(onDisk(new FirstRun()).find()).toBeUndefined();
    const [spare] = readdirSync(folder.path);
    const { ino } = statSync(join(folder.path, spare));
    await onDisk(new RestartedMachine()).create();
    expect(statSync(join(folder.path, 'abort')).ino).toBe(ino);
    expect(onDisk(new RestartedMachine()).find()).toMatchObject({ machineRestarted: false });
    expect(onDisk(new FirstRun()).find()).toMatchObject({ machineRestarted: true });

    disk.onWrite = () => systemError('ENOSPC');
    await onDisk(new FirstRun()).create();
    expect(onDisk(new FirstRun()).find()).toMatchObject({ machineRestarted: true });
  });

  it("believes nothing of RocketMQ's but that it is there", () => {
    writeFileSync(join(folder.path, 'abort'), '4711');
    expect(abort(new FirstRun()).find()).toEqual({ machineRestarted: false, flushFailed: false, wasOurs: false });
    abort(new FirstRun()).noteFailedFlush();
    expect(readFileSync(join(folder.path, 'abort'), 'utf8')).toMatch(/^4711\n\nfdatasync failed/);
  });
});
