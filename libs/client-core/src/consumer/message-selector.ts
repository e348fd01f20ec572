import {
  buildSql92SubscriptionData,
  buildSubscriptionData,
  ProtocolError,
  Sql92Error,
  Sql92Filter,
  type SubscriptionData,
} from '@rocknest/protocol';
import { invalidArgument } from '../support/check.js';

const ALL = '*';

/**
 * Which messages of a topic a consumer takes (RocketMQ: `client/consumer/MessageSelector.java`): by their tag, or by an SQL92 expression over
 * their properties, which the broker evaluates.
 */
export class MessageSelector {
  private constructor(
    private readonly type: 'TAG' | 'SQL92',
    readonly expression: string,
  ) {}

  /** @param tags `*` (also when it is blank), or tags like `created || paid`. */
  static byTag(tags = ALL): MessageSelector {
    const text = tags.trim();
    return new MessageSelector('TAG', text === '' ? ALL : text);
  }

  /** @param expression for example `region = 'eu' AND amount > 100`. Brokers must have `enablePropertyFilter` on (Rocknest's have). */
  static bySql(expression: string): MessageSelector {
    return new MessageSelector('SQL92', expression);
  }

  /**
   * The subscription as brokers get it.
   *
   * @throws MQClientError INVALID_ARGUMENT for an expression without a tag, or one of SQL92 that is wrong: the message names the place.
   */
  subscriptionOf(topic: string): SubscriptionData {
    if (this.type === 'SQL92') {
      this.checkSql(topic);
      return buildSql92SubscriptionData(topic, this.expression);
    }
    let data: SubscriptionData;
    try {
      data = buildSubscriptionData(topic, this.expression);
    } catch (error) {
      if (error instanceof ProtocolError) throw invalidArgument(error.message, { topic, expression: this.expression });
      throw error;
    }
    // Such a subscription takes nothing, without a word.
    if (data.subString !== ALL && data.tagsSet.length === 0)
      throw invalidArgument(`the tag expression '${this.expression}' of topic ${topic} names no tag`, { topic });
    return data;
  }

  private checkSql(topic: string): void {
    const { expression } = this;
    try {
      const { ignoredFrom } = new Sql92Filter(expression);
      if (ignoredFrom === undefined) return;
      const { line, column, index } = ignoredFrom;
      throw invalidArgument(
        `the subscription of topic ${topic}: the SQL92 expression ends before line ${line}, column ${column}, and brokers would ignore the rest: ${expression.slice(index)}`,
        { topic, expression, ...ignoredFrom },
      );
    } catch (error) {
      if (!(error instanceof Sql92Error)) throw error;
      throw invalidArgument(`the subscription of topic ${topic}: ${error.message} in ${expression}`, {
        topic,
        expression,
        ...error.details,
      });
    }
  }
}
