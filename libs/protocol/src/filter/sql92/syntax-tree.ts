import type { JavaLong } from './java-numbers.js';

/** A number of the expression with its Java type, which decides how texts are read that it is compared with. */
export interface NumberValue {
  readonly type: 'int' | 'long' | 'double';
  readonly value: JavaLong;
}

export type OrderSign = '<' | '<=' | '>' | '>=';
export type SearchKind = 'CONTAINS' | 'STARTSWITH' | 'ENDSWITH';

/** A value: something that cannot stand where a condition is wanted (but for a property, which is cast then). */
type ValueShape =
  | { readonly kind: 'property'; readonly name: string }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'number'; readonly value: NumberValue }
  | { readonly kind: 'negate'; readonly operand: Sql92Node };

/** True, false or unknown (RocketMQ's `BooleanExpression`). */
type ConditionShape =
  /** TRUE, FALSE, NULL. */
  | { readonly kind: 'boolean'; readonly value: boolean | null }
  | { readonly kind: 'and' | 'or'; readonly terms: readonly ConditionNode[] }
  | { readonly kind: 'not'; readonly term: ConditionNode }
  /** A property that stands where a condition is wanted. */
  | { readonly kind: 'cast'; readonly name: string }
  | { readonly kind: 'equal'; readonly left: Sql92Node; readonly right: Sql92Node }
  | { readonly kind: 'order'; readonly sign: OrderSign; readonly left: Sql92Node; readonly right: Sql92Node }
  | { readonly kind: 'null'; readonly operand: Sql92Node }
  | { readonly kind: 'in'; readonly name: string; readonly items: readonly string[]; readonly isNot: boolean }
  | {
      readonly kind: 'search';
      readonly how: SearchKind;
      readonly operand: Sql92Node;
      readonly search: string;
      readonly isNot: boolean;
    };

export type NodeShape = ValueShape | ConditionShape;

/** Counts the levels below, so that nothing that walks the tree runs out of stack. */
interface Depth {
  readonly depth: number;
}

export type ConditionNode = ConditionShape & Depth;
/** What an expression is made of. */
export type Sql92Node = NodeShape & Depth;

export function isCondition(node: Sql92Node): node is ConditionNode {
  return node.kind !== 'property' && node.kind !== 'text' && node.kind !== 'number' && node.kind !== 'negate';
}
