import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LiveSettings } from './live-settings.js';
import { loadSettings } from './load-settings.js';
import { setting } from './setting-kinds.js';
import { defineSettings } from './settings-definition.js';

const definition = defineSettings(
  {
    listenPort: setting.port({ default: 9876, description: 'x' }),
    orderMessageEnable: setting.boolean({ default: false, description: 'x', dynamic: true }),
    waitSeconds: setting.integer({ default: 45, min: 0, max: 100, description: 'x', dynamic: true }),
    databaseUrl: setting.databaseUrl({ default: 'mysql://me:s3cret@h/db', description: 'x' }),
  },
  [(values) => (values.waitSeconds === 13 ? 'not 13' : undefined)],
);

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rocknest-live-'));
  file = join(folder, 'made', 'namesrv.properties');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const start = (argv: string[] = []) =>
  new LiveSettings(definition, loadSettings(definition, { program: 'namesrv', argv }), {
    file,
    blackList: ['listenPort', 'kvConfigPath'],
  });

describe('LiveSettings', () => {
  it('changes dynamic keys, in the object that everybody holds', async () => {
    const live = start();
    const { values } = live;
    expect(await live.update('orderMessageEnable=true\nwaitSeconds=45\nclusterTest=true\n')).toEqual([
      'orderMessageEnable',
    ]);
    expect(values.orderMessageEnable).toBe(true);
  });

  it('keeps changes across restarts, below flags', async () => {
    await start().update('orderMessageEnable=true');
    await start().update('waitSeconds=7');
    expect(start().values).toMatchObject({ orderMessageEnable: true, waitSeconds: 7 });
    expect(start(['--waitSeconds', '9']).values.waitSeconds).toBe(9);
    expect(readFileSync(file, 'utf8')).toContain('waitSeconds=7');
  });

  it.each([
    ['waitSeconds=1000', 'CONFIG_UPDATE_INVALID', 'from 0 to 100'],
    ['waitSeconds=13', 'CONFIG_UPDATE_INVALID', 'not 13'],
    ['waitSecond=1', 'CONFIG_UPDATE_INVALID', 'did you mean "waitSeconds"'],
    ['databaseUrl=mysql://me@h/other', 'CONFIG_UPDATE_INVALID', 'read at the start only'],
    ['listenPort=1', 'CONFIG_UPDATE_FORBIDDEN', 'Can not update config in black list.'],
    ['kvConfigPath=x', 'CONFIG_UPDATE_FORBIDDEN', 'Can not update config in black list.'],
    ['a=\\u1', 'CONFIG_UPDATE_UNREADABLE', 'string2Properties error'],
  ])('refuses %s', async (text, code, message) => {
    const live = start();
    await expect(live.update(`orderMessageEnable=true\n${text}`)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(live.values.orderMessageEnable).toBe(false);
    expect(existsSync(file)).toBe(false);
  });

  it('writes the values as text, without passwords', () => {
    expect(start().text()).toBe(
      'listenPort=9876\norderMessageEnable=false\nwaitSeconds=45\ndatabaseUrl=mysql://me:***@h/db\n',
    );
  });

  it('does not start with a broken file of changes', async () => {
    await start().update('waitSeconds=7');
    writeFileSync(file, 'waitSeconds=many');
    expect(() => start()).toThrow(`${file}:1: waitSeconds=many must be a whole number`);
  });
});
