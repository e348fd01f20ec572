/** Limits of queries by key that the broker adds to those of the store. */
export class QueryLimits {
  constructor(
    /** Messages that a query by unique id returns at most, whatever the client asks for. */
    readonly defaultQueryMaxNum: number,
  ) {}
}
