import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/** Makes every file of a folder look as if it was written `hours` ago: what retention goes by. */
export function ageFiles(folder: string, hours: number): void {
  const then = Date.now() / 1000 - hours * 3_600;
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), then, then);
}
