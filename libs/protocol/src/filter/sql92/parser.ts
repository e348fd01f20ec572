import { parseJavaDouble, parseJavaLong } from './java-numbers.js';
import { Lexer } from './lexer.js';
import { SQL92_DEPTH_MAX, SQL92_EXPRESSION_MAX_LENGTH, SQL92_LIST_ITEMS_MAX } from './limits.js';
import { placeOf, type Sql92Error, type TextPlace } from './sql92-error.js';
import {
  type ConditionNode,
  isCondition,
  type NodeShape,
  type NumberValue,
  type OrderSign,
  type SearchKind,
  type Sql92Node,
} from './syntax-tree.js';
import { type Token, TokenKind } from './tokens.js';
import { compareNumbers } from './values.js';

const ORDER_SIGNS: ReadonlySet<string> = new Set<OrderSign>(['<', '<=', '>', '>=']);
const SEARCHES: ReadonlySet<string> = new Set<SearchKind>(['CONTAINS', 'STARTSWITH', 'ENDSWITH']);
const INT_MAX = 2_147_483_647;

export interface ParsedSql92 {
  readonly tree: ConditionNode;
  /** Where text begins that belongs to nothing; RocketMQ takes such an expression and ignores it from there on. */
  readonly ignoredFrom: TextPlace | undefined;
}

/**
 * Reads an expression: RocketMQ's grammar, with the checks of types that it makes while it reads.
 *
 * Follows the grammar part of `filter/parser/SelectorParser.jj` and the `create...` functions of `filter/expression/*.java`.
 *
 * @throws Sql92Error where the expression is wrong, or beyond a limit
 */
export function parseSql92(expression: string): ParsedSql92 {
  return new Parser(expression).parse();
}

/** An operand and where it begins, for messages. */
interface Operand {
  readonly node: Sql92Node;
  readonly index: number;
}

class Parser {
  private readonly lexer: Lexer;
  private token: Token;
  private open = 0;

  constructor(private readonly source: string) {
    this.lexer = new Lexer(source);
    if (source.length > SQL92_EXPRESSION_MAX_LENGTH) {
      const problem = `it has ${source.length} characters, at most ${SQL92_EXPRESSION_MAX_LENGTH} are allowed`;
      throw this.lexer.error(problem, SQL92_EXPRESSION_MAX_LENGTH);
    }
    this.token = this.lexer.next();
  }

  parse(): ParsedSql92 {
    const { node, index } = this.disjunction();
    const tree = this.condition(node, index);
    const isWhole = this.token.kind === TokenKind.END;
    return { tree, ignoredFrom: isWhole ? undefined : placeOf(this.source, this.token.index) };
  }

  private disjunction(): Operand {
    return this.row(TokenKind.OR, 'or', () => this.conjunction());
  }

  private conjunction(): Operand {
    return this.row(TokenKind.AND, 'and', () => this.equality());
  }

  /** Terms joined by one word. */
  private row(word: TokenKind, kind: 'and' | 'or', readTerm: () => Operand): Operand {
    const first = readTerm();
    if (this.token.kind !== word) return first;
    const terms = [this.condition(first.node, first.index)];
    while (this.token.kind === word) {
      this.advance();
      const { node, index } = readTerm();
      terms.push(this.condition(node, index));
    }
    return { node: this.made({ kind, terms }, first.index, ...terms), index: first.index };
  }

  private equality(): Operand {
    const first = this.comparison();
    const { index } = first;
    let { node } = first;
    for (;;) {
      const { kind } = this.token;
      if (kind === TokenKind.EQUAL || kind === TokenKind.NOT_EQUAL) {
        this.advance();
        const right = this.comparison();
        this.checkEqualOperands(node, index, right);
        const equal = this.made({ kind: 'equal', left: node, right: right.node }, index, node, right.node);
        node = kind === TokenKind.EQUAL ? equal : this.made({ kind: 'not', term: equal }, index, equal);
      } else if (kind === TokenKind.IS) {
        this.advance();
        const isNot = this.token.kind === TokenKind.NOT;
        if (isNot) this.advance();
        this.expect(TokenKind.NULL, isNot ? 'NULL' : 'NULL or NOT NULL');
        const isNull = this.made({ kind: 'null', operand: node }, index, node);
        node = isNot ? this.made({ kind: 'not', term: isNull }, index, isNull) : isNull;
      } else {
        return { node, index };
      }
    }
  }

  private comparison(): Operand {
    const first = this.unary();
    const { index } = first;
    let { node } = first;
    for (;;) {
      const { kind } = this.token;
      if (ORDER_SIGNS.has(kind)) {
        this.advance();
        node = this.order(kind as OrderSign, { node, index }, this.unary());
        continue;
      }
      const isNot = kind === TokenKind.NOT;
      if (isNot) this.advance();
      const word = this.token.kind;
      if (SEARCHES.has(word)) {
        this.advance();
        const search = this.expect(TokenKind.TEXT, TokenKind.TEXT).text;
        node = this.made({ kind: 'search', how: word as SearchKind, operand: node, search, isNot }, index, node);
      } else if (word === TokenKind.BETWEEN) {
        this.advance();
        node = this.between({ node, index }, isNot);
      } else if (word === TokenKind.IN) {
        this.advance();
        const items = this.textList();
        if (node.kind !== 'property') throw this.lexer.error('only a property can stand before IN', index);
        node = this.made({ kind: 'in', name: node.name, items, isNot }, index);
      } else if (isNot) {
        throw this.unexpected('BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH behind NOT');
      } else {
        return { node, index };
      }
    }
  }

  private between(value: Operand, isNot: boolean): ConditionNode {
    const low = this.unary();
    this.expect(TokenKind.AND, 'AND between the two limits');
    const high = this.unary();
    if (isNot) {
      const terms = [this.order('<', value, low), this.order('>', value, high)];
      return this.made({ kind: 'or', terms }, value.index, ...terms);
    }
    if (low.node.kind === 'number' && high.node.kind === 'number') {
      if (compareNumbers(high.node.value, low.node.value) < 0)
        throw this.lexer.error('the first limit of BETWEEN is above the second', low.index);
    }
    const terms = [this.order('>=', value, low), this.order('<=', value, high)];
    return this.made({ kind: 'and', terms }, value.index, ...terms);
  }

  private order(sign: OrderSign, left: Operand, right: Operand): ConditionNode {
    for (const { node, index } of [left, right]) {
      if (node.kind === 'text') {
        throw this.lexer.error(
          `a text cannot be compared by ${sign} or BETWEEN: only numbers and properties can`,
          index,
        );
      }
      if (isCondition(node)) {
        throw this.lexer.error(
          `a condition cannot be compared by ${sign} or BETWEEN: only numbers and properties can`,
          index,
        );
      }
    }
    return this.made({ kind: 'order', sign, left: left.node, right: right.node }, left.index, left.node, right.node);
  }

  private checkEqualOperands(left: Sql92Node, index: number, right: Operand): void {
    for (const operand of [{ node: left, index }, right]) {
      if (operand.node.kind === 'boolean' && operand.node.value === null)
        throw this.lexer.error('NULL cannot be compared: write IS NULL or IS NOT NULL', operand.index);
    }
    if (left.kind === 'boolean' && (right.node.kind === 'text' || right.node.kind === 'number'))
      throw this.lexer.error('TRUE and FALSE cannot be compared with a text or a number', index);
  }

  private textList(): string[] {
    this.expect(TokenKind.OPEN, '( behind IN');
    const items: string[] = [];
    do {
      if (items.length > 0) this.advance();
      const item = this.expect(TokenKind.TEXT, TokenKind.TEXT);
      if (items.length >= SQL92_LIST_ITEMS_MAX)
        throw this.lexer.error(`the list has more than ${SQL92_LIST_ITEMS_MAX} texts`, item.index);
      items.push(item.text);
    } while (this.token.kind === TokenKind.COMMA);
    this.expect(TokenKind.CLOSE, ', or ) in the list');
    return items;
  }

  /** Signs and NOTs, then what they stand before. They are counted in a loop: a row of them costs no stack. */
  private unary(): Operand {
    const prefixes: Token[] = [];
    while (
      this.token.kind === TokenKind.PLUS ||
      this.token.kind === TokenKind.MINUS ||
      this.token.kind === TokenKind.NOT
    ) {
      prefixes.push(this.token);
      if (prefixes.length > SQL92_DEPTH_MAX) throw this.tooDeep(this.token.index);
      this.advance();
    }
    const operand = this.primary();
    let { node, index } = operand;
    for (const { kind, index: at } of prefixes.reverse()) {
      if (kind === TokenKind.MINUS) node = this.made({ kind: 'negate', operand: node }, at, node);
      else if (kind === TokenKind.NOT) {
        const term = this.condition(node, index);
        node = this.made({ kind: 'not', term }, at, term);
      }
      index = at;
    }
    return { node, index };
  }

  private primary(): Operand {
    const { kind, text, index } = this.token;
    switch (kind) {
      case TokenKind.OPEN:
        return this.bracket();
      case TokenKind.NAME:
        this.advance();
        return { node: this.made({ kind: 'property', name: text }, index), index };
      case TokenKind.TEXT:
        this.advance();
        return { node: this.made({ kind: 'text', value: text }, index), index };
      case TokenKind.TRUE:
      case TokenKind.FALSE:
      case TokenKind.NULL: {
        this.advance();
        const value = kind === TokenKind.NULL ? null : kind === TokenKind.TRUE;
        return { node: this.made({ kind: 'boolean', value }, index), index };
      }
      case TokenKind.INTEGER:
        this.advance();
        return { node: this.made({ kind: 'number', value: this.integer(text, index) }, index), index };
      case TokenKind.FLOAT:
        this.advance();
        return { node: this.made({ kind: 'number', value: this.float(text, index) }, index), index };
      default:
        throw this.unexpected('a property, a value, NOT or (');
    }
  }

  private bracket(): Operand {
    const { index } = this.token;
    if (++this.open > SQL92_DEPTH_MAX) throw this.tooDeep(index);
    this.advance();
    const { node } = this.disjunction();
    this.expect(TokenKind.CLOSE, 'an operator or )');
    this.open--;
    return { node, index };
  }

  private integer(text: string, index: number): NumberValue {
    const digits = /[lL]$/.test(text) ? text.slice(0, -1) : text;
    const value = parseJavaLong(digits);
    if (Number.isNaN(value)) throw this.lexer.error(`${text} is above 9223372036854775807`, index);
    return { type: value <= INT_MAX ? 'int' : 'long', value };
  }

  private float(text: string, index: number): NumberValue {
    const value = parseJavaDouble(text)!;
    if (value === Infinity) throw this.lexer.error(`${text} is above 1.7976931348623157E308`, index);
    // RocketMQ takes the smallest double for the lowest one, and so no zero with a point.
    if (value === 0) throw this.lexer.error(`${text} is below 4.9E-324: write 0 for zero`, index);
    return { type: 'double', value };
  }

  /** What may stand where a condition is wanted. */
  private condition(node: Sql92Node, index: number): ConditionNode {
    if (isCondition(node)) return node;
    if (node.kind === 'property') return this.made({ kind: 'cast', name: node.name }, index);
    throw this.lexer.error('a condition must stand here, not a value', index);
  }

  private made<S extends NodeShape>(node: S, index: number, ...children: readonly Sql92Node[]): S & { depth: number } {
    let depth = 0;
    for (const child of children) depth = Math.max(depth, child.depth);
    if (depth >= SQL92_DEPTH_MAX) throw this.tooDeep(index);
    return { ...node, depth: depth + 1 };
  }

  private tooDeep(index: number): Sql92Error {
    return this.lexer.error(`it nests more than ${SQL92_DEPTH_MAX} levels`, index);
  }

  private advance(): void {
    this.token = this.lexer.next();
  }

  private expect(kind: TokenKind, wanted: string): Token {
    const { token } = this;
    if (token.kind !== kind) throw this.unexpected(wanted);
    this.advance();
    return token;
  }

  private unexpected(wanted: string): Sql92Error {
    const { kind, text, index } = this.token;
    const found =
      kind === TokenKind.END ? kind : kind === TokenKind.TEXT ? `the text '${shortened(text)}'` : shortened(text);
    return this.lexer.error(`${wanted} is expected, but ${found} stands there`, index);
  }
}

function shortened(text: string): string {
  return text.length <= 32 ? text : `${text.slice(0, 32)}...`;
}
