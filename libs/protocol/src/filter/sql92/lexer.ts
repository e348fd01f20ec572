import { placeOf, Sql92Error } from './sql92-error.js';
import { KEYWORDS, type Token, TokenKind } from './tokens.js';

const SIGNS: ReadonlyMap<string, TokenKind> = new Map(
  (
    [
      'EQUAL',
      'NOT_EQUAL',
      'GREATER',
      'GREATER_EQUAL',
      'LESS',
      'LESS_EQUAL',
      'OPEN',
      'CLOSE',
      'COMMA',
      'PLUS',
      'MINUS',
    ] as const
  ).map((name) => [TokenKind[name], TokenKind[name]]),
);

const NAME = /[A-Za-z_$][A-Za-z0-9_$]*/y;
const FLOAT = /\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+/y;
const INTEGER = /0|[1-9]\d*[lL]?/y;
const BLANKS = /[ \t\n\r\f]*/y;

/**
 * The words of an expression, one at a time, so that what follows the end of the expression is never looked at (RocketMQ ignores it).
 *
 * Follows the token part of `filter/parser/SelectorParser.jj`: blanks, line comments (`--` up to the end of a line, which must be there), block
 * comments.
 */
export class Lexer {
  private index = 0;
  /** The last character that ends a line; behind it no line comment can begin. */
  private readonly lastLineEnd: number;

  constructor(private readonly source: string) {
    this.lastLineEnd = Math.max(source.lastIndexOf('\n'), source.lastIndexOf('\r'));
  }

  /** @throws Sql92Error at a character that begins nothing, and at a text or comment that does not end. */
  next(): Token {
    const { source } = this;
    this.skipBlanksAndComments();
    const index = this.index;
    if (index >= source.length) return { kind: TokenKind.END, text: '', index };
    if (source[index] === "'") return this.textToken(index);
    const name = this.take(NAME);
    if (name !== undefined) return { kind: KEYWORDS.get(name.toUpperCase()) ?? TokenKind.NAME, text: name, index };
    const float = this.take(FLOAT);
    if (float !== undefined) return { kind: TokenKind.FLOAT, text: float, index };
    const integer = this.take(INTEGER);
    if (integer !== undefined) return { kind: TokenKind.INTEGER, text: integer, index };
    const sign = SIGNS.get(source.slice(index, index + 2)) ?? SIGNS.get(source[index]);
    if (sign !== undefined) {
      this.index += sign.length;
      return { kind: sign, text: sign, index };
    }
    const character = JSON.stringify(String.fromCodePoint(source.codePointAt(index)!));
    throw this.error(
      source.startsWith('/*', index) ? 'this comment does not end' : `no word begins with ${character}`,
      index,
    );
  }

  error(problem: string, index: number): Sql92Error {
    return new Sql92Error(problem, placeOf(this.source, index));
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.index;
    const found = pattern.exec(this.source)?.[0];
    if (found !== undefined) this.index += found.length;
    return found;
  }

  private skipBlanksAndComments(): void {
    const { source } = this;
    for (;;) {
      this.take(BLANKS);
      const end = source.startsWith('--', this.index)
        ? this.lineCommentEnd()
        : source.startsWith('/*', this.index)
          ? source.indexOf('*/', this.index + 2) + 2
          : 1;
      // Nothing found, and so no comment: what stands here is a sign, or a mistake.
      if (end <= 1) return;
      this.index = end;
    }
  }

  /** Behind the character that ends the line; 0 without one: then the two signs are no comment. */
  private lineCommentEnd(): number {
    for (let at = this.index + 2; at <= this.lastLineEnd; at++) {
      const code = this.source.charCodeAt(at);
      if (code === 10 || code === 13) return at + 1;
    }
    return 0;
  }

  private textToken(index: number): Token {
    const { source } = this;
    let text = '';
    let start = index + 1;
    for (;;) {
      const quote = source.indexOf("'", start);
      if (quote < 0) throw this.error("this text does not end: a ' is missing", index);
      text += source.slice(start, quote);
      if (source[quote + 1] !== "'") {
        this.index = quote + 1;
        return { kind: TokenKind.TEXT, text, index };
      }
      text += "'";
      start = quote + 2;
    }
  }
}
