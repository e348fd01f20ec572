/** Reads `--name=value` flags; an unknown one ends the program with the list of those that exist. */
export function readFlags<T extends Record<string, number | string>>(
  defaults: T,
  descriptions: Record<keyof T, string>,
): T {
  const values: Record<string, number | string> = { ...defaults };
  for (const argument of process.argv.slice(2)) {
    const match = /^--([\w-]+)=(.*)$/.exec(argument);
    if (match === null || !(match[1] in values)) {
      console.error(`unknown argument ${argument}. Flags:`);
      for (const [name, fallback] of Object.entries(defaults))
        console.error(`  --${name}=${fallback}  ${descriptions[name]}`);
      process.exit(2);
    }
    values[match[1]] = typeof defaults[match[1]] === 'number' ? Number(match[2]) : match[2];
  }
  return values as T;
}
