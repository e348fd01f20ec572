/**
 * What the broker uses of the namesrv, in a file of its own: `nest build` turns the alias of a static import into a path, and leaves that
 * of an `import()` as it is.
 */
export { createNamesrv } from '@rocknest/namesrv';
