// Takes away what prepack.js put here.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${folder}/dist`, { recursive: true, force: true });
rmSync(`${folder}/LICENSE`, { force: true });
