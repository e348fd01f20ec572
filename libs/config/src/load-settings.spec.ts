import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSettings, settingsFrom } from './load-settings.js';
import { ConfigError } from './problems.js';
import { setting } from './setting-kinds.js';
import { defineSettings } from './settings-definition.js';

const definition = defineSettings(
  {
    listenPort: setting.port({ default: 10911, description: 'Port.', section: 'Network', important: true }),
    namesrvAddr: setting.addresses({
      default: '',
      description: 'Namesrvs.',
      section: 'Network',
      short: 'n',
      environment: ['NAMESRV_ADDR'],
    }),
    flushDiskType: setting.oneOf(['ASYNC_FLUSH', 'SYNC_FLUSH'], { default: 'ASYNC_FLUSH', description: 'Flush.' }),
    autoCreateTopicEnable: setting.boolean({ default: true, description: 'Create topics.' }),
    storePathRootDir: setting.path({ default: '~/store', description: 'Folder.' }),
    maxMessageSize: setting.integer({ default: 4194304, min: 1024, unit: 'bytes', description: 'Size.' }),
    brokerIP1: setting.string({ description: 'Address told to clients.' }),
    databaseUrl: setting.databaseUrl({ default: '', description: 'Database.', environment: ['DATABASE_URL'] }),
  },
  [(values) => (values.listenPort === 1 ? 'listenPort 1 is kept for tests' : undefined)],
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rocknest-config-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const conf = (text: string): string => {
  const file = join(folder, 'broker.conf');
  writeFileSync(file, text);
  return file;
};
const load = (argv: string[] = [], env: Record<string, string> = {}) =>
  loadSettings(definition, { argv, env, program: 'broker' });
const problemsOf = (action: () => unknown): string[] => {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ where, message }) => `${where}: ${message}`);
    throw error;
  }
  throw new Error('no ConfigError was thrown');
};

describe('loadSettings', () => {
  it('has the defaults when nothing is given', () => {
    const { values, sources, action, warnings } = load();
    expect(values.listenPort).toBe(10911);
    expect(values.brokerIP1).toBeUndefined();
    expect(values.storePathRootDir).toBe(join(homedir(), 'store'));
    expect(sources.listenPort).toEqual({ from: 'default' });
    expect(action).toBe('run');
    expect(warnings).toEqual([]);
  });

  it('lets the environment win over the file and flags over the environment', () => {
    const file = conf('listenPort=1000\nmaxMessageSize=2000\nbrokerIP1=10.0.0.1\nflushDiskType=sync_flush\n');
    const { values, sources } = load(['-c', file, '--listenPort', '3000'], {
      ROCKNEST_LISTEN_PORT: '2000',
      ROCKNEST_MAX_MESSAGE_SIZE: '4000',
    });
    expect(values).toMatchObject({
      listenPort: 3000,
      maxMessageSize: 4000,
      brokerIP1: '10.0.0.1',
      flushDiskType: 'SYNC_FLUSH',
    });
    expect(sources.listenPort).toEqual({ from: 'flag', name: '--listenPort' });
    expect(sources.maxMessageSize).toEqual({ from: 'environment', name: 'ROCKNEST_MAX_MESSAGE_SIZE' });
    expect(sources.brokerIP1).toEqual({ from: 'file', file, line: 3 });
  });

  it("takes RocketMQ's own environment variable, below the key's own", () => {
    expect(load([], { NAMESRV_ADDR: 'a:1;b:2' }).values.namesrvAddr).toBe('a:1;b:2');
    expect(load([], { NAMESRV_ADDR: 'a:1', ROCKNEST_NAMESRV_ADDR: 'c:3' }).values.namesrvAddr).toBe('c:3');
    expect(load([], { ROCKNEST_BROKER_IP1: '10.1.1.1' }).values.brokerIP1).toBe('10.1.1.1');
  });

  it("understands mqbroker's flags", () => {
    expect(load(['-n', 'a:1']).values.namesrvAddr).toBe('a:1');
    expect(load(['--namesrvAddr=a:1; b:2']).values.namesrvAddr).toBe('a:1;b:2');
    expect(load(['--autoCreateTopicEnable', 'false']).values.autoCreateTopicEnable).toBe(false);
    expect(load(['--autoCreateTopicEnable', '-n', 'a:1']).values.autoCreateTopicEnable).toBe(true);
    const file = conf('listenPort=1000');
    expect(load([`--configFile=${file}`]).values.listenPort).toBe(1000);
    expect(load([], { ROCKNEST_CONFIG_FILE: file }).values.listenPort).toBe(1000);
  });

  it('names the nearest known key, with file and line', () => {
    const file = conf('# my broker\nlisenPort=10911\n');
    expect(problemsOf(() => load(['-c', file]))).toEqual([
      `${file}:2: unknown key "lisenPort"; did you mean "listenPort"?`,
    ]);
    expect(problemsOf(() => load(['--flushDiskTyp', 'x']))).toEqual([
      'flag --flushDiskTyp: unknown key "flushDiskTyp"; did you mean "flushDiskType"?',
    ]);
    expect(problemsOf(() => load([], { ROCKNEST_LISTENPORT: '1' }))).toEqual([
      'environment ROCKNEST_LISTENPORT: no key has this variable; did you mean "ROCKNEST_LISTEN_PORT"?',
    ]);
    expect(problemsOf(() => load(['--completelyDifferentThing', 'x']))[0]).toMatch(/the nearest known one is "\w+"/);
  });

  it('lists all problems at once', () => {
    const file = conf('listenPort=70000\nflushDiskType=sometimes\nautoCreateTopicEnable=yes\nunknwnKey=1\n');
    const problems = problemsOf(() => load(['-c', file, '-n', 'nowhere', '--maxMessageSize=abc', 'stray']));
    expect(problems.join('\n')).toContain(`${file}:1: listenPort=70000 must be a whole number from 0 to 65535`);
    expect(problems.join('\n')).toContain('flushDiskType=sometimes must be one of ASYNC_FLUSH, SYNC_FLUSH');
    expect(problems.join('\n')).toContain('autoCreateTopicEnable=yes must be true or false');
    expect(problems.join('\n')).toContain('flag -n: namesrvAddr=nowhere must be HOST:PORT');
    expect(problems.join('\n')).toContain('maxMessageSize=abc must be a whole number of at least 1024');
    expect(problems.join('\n')).toContain('argument "stray"');
    expect(problems).toHaveLength(7);
  });

  it("accepts RocketMQ's keys that mean nothing here, with one line that lists them", () => {
    const file = conf('sendMessageThreadPoolNums=16\nuseReentrantLockWhenPutMessage=true\nlistenPort=1000\n');
    const { values, warnings } = load(['-c', file], { ROCKNEST_SERVER_WORKER_THREADS: '8' });
    expect(values.listenPort).toBe(1000);
    expect(warnings).toEqual([
      'has no effect here: sendMessageThreadPoolNums, useReentrantLockWhenPutMessage, serverWorkerThreads (keys that Rocknest accepts and does not need)',
    ]);
  });

  it('does not ignore a key whose owner relies on it', () => {
    const file = conf('aclEnable=true\nauthenticationEnabled=false\n');
    expect(problemsOf(() => load(['-c', file]))).toEqual([
      `${file}:1: aclEnable=true cannot be had: Rocknest does not check it yet and would be open to everyone who reaches the port. Remove the key to start without it.`,
    ]);
  });

  it('accepts the keys of sister programs', () => {
    const options = { program: 'namesrv', foreignKeys: ['bindAdress2'], env: { ROCKNEST_BIND_ADRESS2: 'x' } };
    expect(loadSettings(definition, options).warnings).toHaveLength(1);
  });

  it('warns of a key that stands twice and takes the last', () => {
    const file = conf('listenPort=1000\nlistenPort=2000\n');
    const { values, warnings } = load(['-c', file]);
    expect(values.listenPort).toBe(2000);
    expect(warnings[0]).toContain('line 1 too');
  });

  it('says what is wrong with a file that cannot be read', () => {
    expect(problemsOf(() => load(['-c', join(folder, 'missing.conf')]))[0]).toContain('there is no such file');
    expect(problemsOf(() => load(['-c', folder]))[0]).toContain('it is a folder');
    expect(problemsOf(() => load(['-c']))).toEqual(['flag -c: needs the path of a conf file']);
  });

  it('checks rules over several keys', () => {
    expect(problemsOf(() => load(['--listenPort', '1']))).toEqual(['together: listenPort 1 is kept for tests']);
  });

  it('shows help even when the configuration is wrong', () => {
    const { action, output } = load(['--help', '--listenPort', 'x']);
    expect(action).toBe('help');
    expect(output).toContain('-n, --namesrvAddr');
    expect(output).toContain('10911');
    expect(output).toContain('ASYNC_FLUSH, SYNC_FLUSH');
  });

  it('prints the configuration in force in a form that can be loaded again', () => {
    const file = conf('listenPort=1000\nbrokerIP1=10.0.0.1\n');
    const { action, output } = load(['-p', '-c', file, '-n', 'a:1']);
    expect(action).toBe('print');
    expect(output).toContain(`# ${file}:1\nlistenPort=1000\n`);
    expect(output).toContain('# flag -n\nnamesrvAddr=a:1\n');
    const again = load(['-c', conf(output)]);
    expect(again.values).toEqual(load(['-c', conf('listenPort=1000\nbrokerIP1=10.0.0.1\nnamesrvAddr=a:1')]).values);
    expect(load(['-m']).output).toBe('# default\nlistenPort=10911\n');
  });

  it('never shows a password', () => {
    const url = 'postgres://me:s3cret@db.example:5432/bus';
    const { output } = load(['-p'], { DATABASE_URL: url });
    expect(output).toContain('postgres://me:***@db.example:5432/bus');
    expect(output).not.toContain('s3cret');
    const [problem] = problemsOf(() => load([], { DATABASE_URL: 'oracle://me:s3cret@h/db' }));
    expect(problem).toContain('oracle://');
    expect(problem).not.toContain('s3cret');
    expect(problemsOf(() => load([], { DATABASE_URL: 'postgres://me:s3c#ret/x@h' }))[0]).not.toContain('s3c');
  });
});

describe('settingsFrom', () => {
  it('lays given values over the defaults', () => {
    const values = settingsFrom(definition, { listenPort: 0, brokerIP1: undefined });
    expect(values.listenPort).toBe(0);
    expect(values.maxMessageSize).toBe(4194304);
  });

  it('checks what a program hands over', () => {
    const wrong = { listenPort: '10911', lisenPort: 1, maxMessageSize: 0.5 } as unknown as { listenPort: number };
    expect(problemsOf(() => settingsFrom(definition, wrong))).toEqual([
      'set by the program: listenPort=10911 must be a number, not string',
      'set by the program: unknown key "lisenPort"; did you mean "listenPort"?',
      'set by the program: maxMessageSize=0.5 must be a whole number of at least 1024',
    ]);
  });
});

describe('defineSettings', () => {
  it('refuses two keys that share a name', () => {
    const port = setting.port({ default: 1, description: 'x' });
    expect(() => defineSettings({ listenPort: port, listen_port: port })).toThrow('ROCKNEST_LISTEN_PORT');
    expect(() => defineSettings({ help: port })).toThrow('command line');
  });
});
