/** Where in a payload a problem is: keys, or objects that hold one. */
type StandardPathSegment = PropertyKey | { readonly key: PropertyKey };

/** One problem that a validator found. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly StandardPathSegment[] | undefined;
}

/** What a validator answers: a value, or what is wrong. */
export type StandardResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly StandardIssue[] };

/**
 * A validator of any library that implements Standard Schema, version 1 (https://standardschema.dev): Zod, Valibot, ArkType and others. The
 * types are written here, because nothing else of that specification is needed.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    /** Name of the library. */
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    /** For the compiler only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** Whether a value is a validator; objects and functions (ArkType's) can be. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  const isThing = (typeof value === 'object' && value !== null) || typeof value === 'function';
  if (!isThing) return false;
  const standard = (value as Partial<StandardSchema>)['~standard'];
  return standard?.version === 1 && typeof standard.validate === 'function';
}

/** `items[0].price` of a path. */
export function pathText(path: StandardIssue['path']): string {
  let text = '';
  for (const segment of path ?? []) {
    const key = typeof segment === 'object' ? segment.key : segment;
    if (typeof key === 'number') text += `[${key}]`;
    else text += text === '' ? String(key) : `.${String(key)}`;
  }
  return text;
}
