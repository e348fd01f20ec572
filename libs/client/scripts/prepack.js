// Puts what `nest build client` made, and the licence, beside package.json: npm packs one folder.
import { cpSync, existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = fileURLToPath(new URL('..', import.meta.url));

if (!existsSync(`${root}/dist/client/client/src/index.js`)) {
  console.error('there is no dist/client: run "npx nest build client" at the root first');
  process.exit(1);
}
rmSync(`${folder}/dist`, { recursive: true, force: true });
cpSync(`${root}/dist/client`, `${folder}/dist`, {
  recursive: true,
  filter: (source) => !source.endsWith('.tsbuildinfo'),
});
cpSync(`${root}/LICENSE`, `${folder}/LICENSE`);
