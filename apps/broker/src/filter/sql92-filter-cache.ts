import { Sql92Error, Sql92Filter } from '@rocknest/protocol';
import { SQL92_CACHE_MAX_CHARACTERS, SQL92_CACHE_MAX_EXPRESSIONS } from '../defaults.js';

export interface Sql92CacheLimits {
  readonly maxExpressions: number;
  /** Characters of all expressions together. */
  readonly maxCharacters: number;
}

/** Compiled expressions, and the errors of wrong ones, by their text; the least recently used one goes first. */
export class Sql92FilterCache {
  private readonly entries = new Map<string, Sql92Filter | Sql92Error>();
  private characters = 0;

  constructor(private readonly limits: Sql92CacheLimits) {}

  get size(): number {
    return this.entries.size;
  }

  /** @returns the error when the expression is wrong; it is found out once only. */
  get(expression: string): Sql92Filter | Sql92Error {
    const known = this.entries.get(expression);
    if (known !== undefined) {
      this.entries.delete(expression);
      this.entries.set(expression, known);
      return known;
    }
    const compiled = compile(expression);
    // An expression beyond the limit of its length is found wrong without being read.
    if (expression.length <= this.limits.maxCharacters) this.keep(expression, compiled);
    return compiled;
  }

  private keep(expression: string, compiled: Sql92Filter | Sql92Error): void {
    this.entries.set(expression, compiled);
    this.characters += expression.length;
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= this.limits.maxExpressions && this.characters <= this.limits.maxCharacters) return;
      this.entries.delete(oldest);
      this.characters -= oldest.length;
    }
  }
}

function compile(expression: string): Sql92Filter | Sql92Error {
  try {
    return new Sql92Filter(expression);
  } catch (error) {
    if (error instanceof Sql92Error) return error;
    throw error;
  }
}

/** The same text is the same filter, whoever asks: one cache for the process. */
export const sql92Filters = new Sql92FilterCache({
  maxExpressions: SQL92_CACHE_MAX_EXPRESSIONS,
  maxCharacters: SQL92_CACHE_MAX_CHARACTERS,
});
