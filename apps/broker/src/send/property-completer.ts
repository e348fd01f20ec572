import { decodeProperties, MessageConst, NAME_VALUE_SEPARATOR, PROPERTY_SEPARATOR } from '@rocknest/protocol';
import type { PropertyFacts } from './property-facts.js';

export interface PropertyCompleterOptions {
  readonly clusterName: string;
  readonly regionId: string;
  readonly traceOn: boolean;
  /** Makes a message id for a sender that brought none. */
  readonly createUniqKey: () => string;
}

/** Properties to set (or, when undefined, to remove) on top of what the broker adds to every message. */
export type PropertyEdits = Readonly<Record<string, string | undefined>>;

/**
 * Puts the broker's own properties behind those of the sender: MSG_REGION, TRACE_ON, CLUSTER, and UNIQ_KEY when it is missing.
 * POP_CK, the handle of an earlier delivery, is taken out.
 *
 * Follows `broker/processor/SendMessageProcessor.java` (`sendMessage`) and `AbstractSendMessageProcessor.java` (`buildMsgContext`),
 * which take the text apart and write it anew for each message; here that happens only when a property must go.
 */
export class PropertyCompleter {
  /** What follows the properties of each message. */
  readonly suffix: string;
  private readonly own: PropertyEdits;

  constructor(private readonly options: PropertyCompleterOptions) {
    this.own = {
      [MessageConst.MSG_REGION]: options.regionId,
      [MessageConst.TRACE_SWITCH]: String(options.traceOn),
      [MessageConst.CLUSTER]: options.clusterName,
    };
    this.suffix = encodeReceivedProperties(this.own);
  }

  /**
   * @param facts what `scanProperties` read from `text`; `uniqKey` is filled in when the sender brought none.
   * @returns the wire text to store.
   */
  complete(text: string, facts: PropertyFacts, edits?: PropertyEdits): string {
    if (facts.needsRewrite || edits !== undefined) return this.rewrite(text, facts, edits);
    const separated = facts.endsWithSeparator ? text : text + PROPERTY_SEPARATOR;
    if (facts.uniqKey !== '') return separated + this.suffix;
    facts.uniqKey = this.options.createUniqKey();
    const uniqKey = MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX + NAME_VALUE_SEPARATOR + facts.uniqKey;
    return separated + uniqKey + PROPERTY_SEPARATOR + this.suffix;
  }

  /** The sender's id of the message, or a new one. */
  uniqKeyOf(facts: PropertyFacts): string {
    if (facts.uniqKey === '') facts.uniqKey = this.options.createUniqKey();
    return facts.uniqKey;
  }

  private rewrite(text: string, facts: PropertyFacts, edits: PropertyEdits | undefined): string {
    const properties: Record<string, string | undefined> = decodeProperties(text);
    properties[MessageConst.POP_CK] = undefined;
    if (facts.uniqKey === '') {
      facts.uniqKey = this.options.createUniqKey();
      properties[MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX] = facts.uniqKey;
    }
    return encodeReceivedProperties({ ...properties, ...this.own, ...edits });
  }
}

/** Wire text as Java writes it: without a look at what the values hold, since they came off the wire. Undefined properties are left out. */
export function encodeReceivedProperties(properties: PropertyEdits): string {
  let text = '';
  for (const [name, value] of Object.entries(properties)) {
    if (value !== undefined) text += name + NAME_VALUE_SEPARATOR + value + PROPERTY_SEPARATOR;
  }
  return text;
}
