import { type CheckClientRequestBody, RemotingCommand, ResponseCode } from '@rocknest/protocol';
import { createSubscription, isTagType } from '../clients/subscription.js';

/** Settings of filters; they may change while the broker runs. */
export interface FilterOptions {
  /** Let consumers filter by properties. */
  readonly enablePropertyFilter: boolean;
  /** Filter retry topics by what the group subscribes of the original topics. */
  readonly filterSupportRetry: boolean;
}

/** Says whether a subscription can be served, before a consumer starts with it (`ClientManageProcessor.checkClientConfig`). */
export class SubscriptionCheck {
  constructor(private readonly options: FilterOptions) {}

  answer({ subscriptionData }: CheckClientRequestBody): RemotingCommand {
    if (subscriptionData === undefined || isTagType(subscriptionData.expressionType))
      return RemotingCommand.response(ResponseCode.SUCCESS);
    if (!this.options.enablePropertyFilter) return propertyFilterRefused(subscriptionData.expressionType);
    const { problem } = createSubscription(subscriptionData);
    if (problem === undefined) return RemotingCommand.response(ResponseCode.SUCCESS);
    return RemotingCommand.response(ResponseCode.SUBSCRIPTION_PARSE_FAILED, { remark: problem });
  }
}

/** What a pull and a check are answered while `enablePropertyFilter` is off. */
export function propertyFilterRefused(expressionType: string): RemotingCommand {
  const remark = `The broker does not support consumer to filter message by ${expressionType}`;
  return RemotingCommand.response(ResponseCode.SYSTEM_ERROR, { remark });
}
