import { compareLongs } from './java-numbers.js';
import type { PropertySlots } from './property-slots.js';
import type { ConditionNode, NumberValue, OrderSign, Sql92Node } from './syntax-tree.js';
import { compareInOrder, compareNumbers, compareValues, FAILED, numberLike, type Value } from './values.js';
import { not, Verdict, verdictOf } from './verdict.js';

/** A condition that is ready to be asked, of the message whose properties stand in the slots. */
export type Condition = () => Verdict;
type Read = () => Value;
type Node<K extends Sql92Node['kind']> = Extract<Sql92Node, { kind: K }>;

const SIGN_TESTS: Readonly<Record<OrderSign, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** The same comparison with its sides exchanged. */
const MIRRORED: Readonly<Record<OrderSign, OrderSign>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

/** Signs that bytes can't tell from other bytes that are no UTF-8 (U+FFFD), or that have none (surrogates). */
const NEEDS_TEXT = /[\ud800-\udfff\ufffd]/;

/**
 * Makes a tree a function. What is common (a property compared with a value of the expression) reads the bytes of the message; the rest goes
 * over values as Java's own evaluation does.
 *
 * Follows the `evaluate` functions of `filter/expression/*.java`.
 */
export function compileNode(node: ConditionNode, slots: PropertySlots): Condition {
  switch (node.kind) {
    case 'boolean': {
      const verdict = node.value === null ? Verdict.UNKNOWN : verdictOf(node.value);
      return () => verdict;
    }
    case 'cast': {
      const slot = slots.slotOf(node.name);
      // A text is no boolean, whatever it says.
      return () => (slots.has(slot) ? Verdict.FALSE : Verdict.UNKNOWN);
    }
    case 'not': {
      const term = compileNode(node.term, slots);
      return () => not(term());
    }
    case 'and':
      return rowOf(node.terms, Verdict.FALSE, Verdict.TRUE, slots);
    case 'or':
      return rowOf(node.terms, Verdict.TRUE, Verdict.FALSE, slots);
    case 'equal':
      return equalOf(node, slots);
    case 'order':
      return orderOf(node, slots);
    case 'null':
      return nullTestOf(node, slots);
    case 'in':
      return listTestOf(node, slots);
    case 'search':
      return searchOf(node, slots);
  }
}

/** AND ends at the first FALSE, OR at the first TRUE; an error ends both, and one unknown makes what is left unknown. */
function rowOf(terms: readonly ConditionNode[], stop: Verdict, otherwise: Verdict, slots: PropertySlots): Condition {
  const conditions = terms.map((term) => compileNode(term, slots));
  return () => {
    let result = otherwise;
    for (const condition of conditions) {
      const verdict = condition();
      if (verdict === stop || verdict === Verdict.ERROR) return verdict;
      if (verdict === Verdict.UNKNOWN) result = verdict;
    }
    return result;
  };
}

function equalOf(node: Node<'equal'>, slots: PropertySlots): Condition {
  const { left, right } = node;
  if (left.kind === 'property') {
    const slot = slots.slotOf(left.name);
    if (right.kind === 'text' && !NEEDS_TEXT.test(right.value)) {
      const expected = Buffer.from(right.value);
      return () => (slots.has(slot) ? verdictOf(slots.equals(slot, expected)) : Verdict.UNKNOWN);
    }
    if (right.kind === 'number') {
      const order = propertyOrder(slot, right.value, slots);
      return () => (slots.has(slot) ? testOrder(order(), isZero) : Verdict.UNKNOWN);
    }
  }
  const readLeft = valueOf(left, slots);
  const readRight = valueOf(right, slots);
  return () => {
    const a = readLeft();
    if (a === FAILED) return Verdict.ERROR;
    const b = readRight();
    if (b === FAILED) return Verdict.ERROR;
    if (a === null) return b === null ? Verdict.TRUE : Verdict.UNKNOWN;
    return b === null ? Verdict.FALSE : testOrder(compareValues(a, b), isZero);
  };
}

function orderOf({ sign, left, right }: Node<'order'>, slots: PropertySlots): Condition {
  const test = SIGN_TESTS[sign];
  if (left.kind === 'property' && right.kind === 'number')
    return propertyCondition(left.name, right.value, test, slots);
  if (left.kind === 'number' && right.kind === 'property')
    return propertyCondition(right.name, left.value, SIGN_TESTS[MIRRORED[sign]], slots);
  const readLeft = valueOf(left, slots);
  const readRight = valueOf(right, slots);
  return () => {
    const a = readLeft();
    if (a === FAILED) return Verdict.ERROR;
    // What cannot be compared is not asked for its right side.
    if (a === null) return Verdict.UNKNOWN;
    const b = readRight();
    if (b === FAILED) return Verdict.ERROR;
    return b === null ? Verdict.UNKNOWN : testOrder(compareInOrder(a, b), test);
  };
}

function propertyCondition(
  name: string,
  value: NumberValue,
  test: (order: number) => boolean,
  slots: PropertySlots,
): Condition {
  const slot = slots.slotOf(name);
  const order = propertyOrder(slot, value, slots);
  return () => (slots.has(slot) ? testOrder(order(), test) : Verdict.UNKNOWN);
}

const INT_MAX = 2_147_483_647;

/** Compares a property that is there with a number; undefined when its text is none of that type. */
function propertyOrder(slot: number, wanted: NumberValue, slots: PropertySlots): () => number | undefined {
  const { type, value } = wanted;
  return () => {
    const plain = slots.plainInteger(slot);
    if (!Number.isNaN(plain) && (type !== 'int' || (plain <= INT_MAX && plain >= -INT_MAX - 1)))
      return compareLongs(plain, value);
    const number = numberLike(slots.text(slot)!, type);
    return number === undefined ? undefined : compareNumbers(number, wanted);
  };
}

function testOrder(order: number | undefined, test: (order: number) => boolean): Verdict {
  return order === undefined ? Verdict.ERROR : verdictOf(test(order));
}

function isZero(order: number): boolean {
  return order === 0;
}

function nullTestOf({ operand }: Node<'null'>, slots: PropertySlots): Condition {
  if (operand.kind === 'property') {
    const slot = slots.slotOf(operand.name);
    return () => verdictOf(!slots.has(slot));
  }
  const read = valueOf(operand, slots);
  return () => {
    const value = read();
    return value === FAILED ? Verdict.ERROR : verdictOf(value === null);
  };
}

function listTestOf({ name, items, isNot }: Node<'in'>, slots: PropertySlots): Condition {
  const slot = slots.slotOf(name);
  const byText = items.some((item) => NEEDS_TEXT.test(item));
  const wanted = new Set(byText ? items : items.map(bytesAsText));
  return () => {
    if (!slots.has(slot)) return Verdict.UNKNOWN;
    const isIn = wanted.has(byText ? slots.text(slot)! : slots.byteText(slot)!);
    return verdictOf(isIn !== isNot);
  };
}

function searchOf({ how, operand, search, isNot }: Node<'search'>, slots: PropertySlots): Condition {
  // Nothing contains the empty text, nothing lacks it, and the operand is not looked at.
  if (search === '') return () => Verdict.FALSE;
  const find = how === 'CONTAINS' ? includes : how === 'STARTSWITH' ? startsWith : endsWith;
  if (operand.kind === 'property') {
    const slot = slots.slotOf(operand.name);
    const byText = NEEDS_TEXT.test(search);
    const wanted = byText ? search : bytesAsText(search);
    return () => {
      if (!slots.has(slot)) return Verdict.FALSE;
      const value = byText ? slots.text(slot)! : slots.byteText(slot)!;
      return verdictOf(find(value, wanted) !== isNot);
    };
  }
  const read = valueOf(operand, slots);
  return () => {
    const value = read();
    if (value === FAILED) return Verdict.ERROR;
    return typeof value === 'string' ? verdictOf(find(value, search) !== isNot) : Verdict.FALSE;
  };
}

const includes = (value: string, search: string): boolean => value.includes(search);
const startsWith = (value: string, search: string): boolean => value.startsWith(search);
const endsWith = (value: string, search: string): boolean => value.endsWith(search);

/** The UTF-8 bytes of a text, one character each, as `PropertySlots.byteText` gives values. */
function bytesAsText(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** What a node is for a message, as Java's evaluation has it. */
function valueOf(node: Sql92Node, slots: PropertySlots): Read {
  switch (node.kind) {
    case 'property': {
      const slot = slots.slotOf(node.name);
      return () => slots.text(slot) ?? null;
    }
    case 'text':
    case 'number':
    case 'boolean': {
      const { value } = node;
      return () => value;
    }
    case 'negate': {
      const read = valueOf(node.operand, slots);
      return () => negated(read());
    }
    default: {
      const condition = compileNode(node, slots);
      return () => {
        const verdict = condition();
        if (verdict === Verdict.ERROR) return FAILED;
        return verdict === Verdict.UNKNOWN ? null : verdict === Verdict.TRUE;
      };
    }
  }
}

/** `-x`: of a number the number, of anything else nothing. */
function negated(value: Value): Value {
  if (value === FAILED) return FAILED;
  if (typeof value !== 'object' || value === null) return null;
  const { type, value: number } = value;
  return { type, value: type === 'double' || typeof number === 'bigint' ? -number : 0 - number };
}
