import { builtinModules } from 'node:module';

/** Native code, and drivers that are loaded only where DATABASE_URL asks for them. */
const EXTERNAL = new Set(['libsql', 'pg', 'mysql2', '@bokuweb/zstd-wasm', ...builtinModules]);

/**
 * Bundles the compiled applications: namesrv and broker start from a handful of files instead of two thousand, which takes a third
 * of the CPU time and 25 MiB less memory. docs/decisions/0006-bundled-applications.md
 */
const application = (name, main = `${name}/apps/${name}/src/main.js`) => ({
  input: { main: `dist/apps/${main}` },
  platform: 'node',
  external: (id) => id.startsWith('node:') || EXTERNAL.has(id),
  output: { dir: `dist/${name}`, format: 'esm', sourcemap: true, cleanDir: true },
  // Nest asks at run time whether its optional packages (Kafka, NATS, Express, ...) are there, and so does TypeORM for drivers.
  onLog: (level, log, handler) => {
    if (level !== 'info' && log.code !== 'UNRESOLVED_IMPORT' && log.code !== 'EVAL') handler(level, log);
  },
});

export default [
  application('namesrv'),
  application('broker'),
  // The command line is a second entry of the broker, compiled with it.
  application('rocknest', 'broker/apps/broker/src/cli/main.js'),
];
