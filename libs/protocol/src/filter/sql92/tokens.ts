/** Kinds of token. Keywords stand for themselves in capitals, signs as they are written. */
export const TokenKind = {
  END: 'the end of the expression',
  NAME: 'a property name',
  TEXT: "a text in '...'",
  INTEGER: 'a number',
  FLOAT: 'a number with a point',
  EQUAL: '=',
  NOT_EQUAL: '<>',
  GREATER: '>',
  GREATER_EQUAL: '>=',
  LESS: '<',
  LESS_EQUAL: '<=',
  OPEN: '(',
  CLOSE: ')',
  COMMA: ',',
  PLUS: '+',
  MINUS: '-',
  NOT: 'NOT',
  AND: 'AND',
  OR: 'OR',
  BETWEEN: 'BETWEEN',
  IN: 'IN',
  TRUE: 'TRUE',
  FALSE: 'FALSE',
  NULL: 'NULL',
  IS: 'IS',
  CONTAINS: 'CONTAINS',
  STARTSWITH: 'STARTSWITH',
  ENDSWITH: 'ENDSWITH',
} as const;

export type TokenKind = (typeof TokenKind)[keyof typeof TokenKind];

/** The words of the language; they cannot be property names in any spelling. */
export const KEYWORDS: ReadonlyMap<string, TokenKind> = new Map(
  (
    ['NOT', 'AND', 'OR', 'BETWEEN', 'IN', 'TRUE', 'FALSE', 'NULL', 'IS', 'CONTAINS', 'STARTSWITH', 'ENDSWITH'] as const
  ).map((word) => [word, TokenKind[word]]),
);

export interface Token {
  readonly kind: TokenKind;
  /** As it is written; of a text what stands between the quotes, with `''` read as `'`. */
  readonly text: string;
  /** Where it begins. */
  readonly index: number;
}
