import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin } from '@rocknest/client-core';
import { startCluster } from '@rocknest/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../support/build-program.js';
import { Child } from '../support/child.js';

/** Says that it was loaded, and makes nothing. */
const STAND_IN = `
process.stdout.write('the API was loaded\\n');
const span = { setAttributes() {}, setStatus() {}, recordException() {}, end() {} };
exports.ROOT_CONTEXT = {};
exports.context = { active: () => exports.ROOT_CONTEXT, with: (_, run) => run() };
exports.trace = { getTracer: () => ({ startSpan: () => span }), setSpan: (context) => context, getSpanContext() {} };
exports.propagation = { inject() {}, extract: (context) => context, fields: () => [] };
`;

/** Programs outside of this repository, where no package is found but what is put beside them. */
describe('the OpenTelemetry API', () => {
  let folder: string;
  let program: string;
  let namesrvAddr: string;
  let stop: (() => Promise<void>) | undefined;

  const run = async (topic: string, openTelemetry: boolean): Promise<string> => {
    const child = new Child({
      name: `program of ${topic}`,
      command: process.execPath,
      args: [program, namesrvAddr, topic, String(openTelemetry)],
    });
    await child.waitForExit();
    return child.tail();
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rocknest-telemetry-'));
    program = buildProgram('test/e2e/support/telemetry-program.ts', folder, ['@bokuweb/zstd-wasm']);
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    const cluster = await startCluster();
    ({ namesrvAddr } = cluster);
    stop = () => cluster.stop();
    const admin = new MQAdmin({ namesrvAddr });
    await admin.start();
    for (const topic of ['off', 'on', 'absent']) await admin.createTopic(`telemetry-${topic}`);
    await admin.shutdown();
  }, 120_000);
  afterAll(async () => {
    await stop?.();
    await rm(folder, { recursive: true, force: true });
  });

  it('is not missed by clients that are to make no spans, and asked for by those that are', async () => {
    expect(await run('telemetry-absent', false)).toContain('{"received":"hello"}');
    const refused = await run('telemetry-absent', true);
    expect(refused).toContain('"code":"INVALID_ARGUMENT"');
    expect(refused).toContain('npm install @opentelemetry/api');
  });

  it('is loaded when spans are asked for, and only then', async () => {
    const api = join(folder, 'node_modules/@opentelemetry/api');
    await mkdir(api, { recursive: true });
    await writeFile(join(api, 'package.json'), '{ "name": "@opentelemetry/api", "main": "index.js" }');
    await writeFile(join(api, 'index.js'), STAND_IN);
    const off = await run('telemetry-off', false);
    expect(off).toContain('{"received":"hello"}');
    expect(off).not.toContain('loaded');
    const on = await run('telemetry-on', true);
    expect(on).toContain('the API was loaded');
    expect(on).toContain('{"received":"hello"}');
  });
});
