import {
  type CheckTransactionStateRequest,
  decodeOffsetMsgId,
  encodeEndTransactionRequest,
  getTags,
  MessageConst,
  MessageSysFlag,
  RemotingCommand,
  RequestCode,
  type MessageExt,
} from '@rocknest/protocol';
import { errorText } from '../errors.js';
import type { ClientLogger } from '../logger.js';
import { Fifo } from '../support/fifo.js';
import type { TransactionSpans } from '../telemetry/transaction-spans.js';
import { delayFieldOf } from './delay.js';
import type { MessageInput } from './message-input.js';
import { illegalMessage, type OutgoingMessage } from './outgoing-message.js';
import type { SendResult } from './send-result.js';
import {
  LocalTransactionState,
  type EndedTransaction,
  type TransactionListener,
  type TransactionSendResult,
} from './transaction-types.js';

export interface TransactionRunnerOptions {
  group: string;
  listener: TransactionListener;
  /** Checks that run at once. */
  checkConcurrency: number;
  /** Checks that wait at most; the broker asks again about those beyond. */
  checkRequestHoldMax: number;
  logger: ClientLogger;
}

/** Where the end of a transaction goes. */
export type OnewaySender = (command: RemotingCommand) => void | Promise<void>;

interface Check {
  readonly message: MessageExt;
  readonly header: CheckTransactionStateRequest;
  readonly answer: OnewaySender;
}

/** Longest text of a local exception that travels to the broker's log. */
const MAX_REMARK_LENGTH = 500;

const COMMIT_OR_ROLLBACK: Readonly<Record<LocalTransactionState, number>> = {
  COMMIT_MESSAGE: MessageSysFlag.TRANSACTION_COMMIT_TYPE,
  ROLLBACK_MESSAGE: MessageSysFlag.TRANSACTION_ROLLBACK_TYPE,
  UNKNOWN: MessageSysFlag.TRANSACTION_NOT_TYPE,
};

/**
 * The transactions of one producer: runs the local part behind each half message, and answers what the broker asks (RocketMQ:
 * `sendMessageInTransaction` and `checkTransactionState` of `DefaultMQProducerImpl.java`).
 */
export class TransactionRunner {
  /** Told of each transaction that is ended; for traces. */
  onEnd: ((ended: EndedTransaction) => void) | undefined = undefined;
  spans: TransactionSpans | undefined = undefined;
  private readonly checks = new Fifo<Check>();
  private runningChecks = 0;
  private readonly active = new Set<Promise<unknown>>();

  constructor(private readonly options: TransactionRunnerOptions) {}

  /** @throws MQClientError MESSAGE_ILLEGAL for a message that can't be part of a transaction. */
  asHalf(
    message: MessageInput,
    outgoing: OutgoingMessage,
    checkImmunityTimeSeconds: number | undefined,
  ): OutgoingMessage {
    const delayField = delayFieldOf(message);
    if (delayField !== undefined) {
      throw illegalMessage(`a message of a transaction can't be delayed: leave ${delayField} out (${message.topic})`);
    }
    let { properties } = outgoing;
    properties += property(MessageConst.TRANSACTION_PREPARED, 'true');
    properties += property(MessageConst.PRODUCER_GROUP, this.options.group);
    if (checkImmunityTimeSeconds !== undefined) {
      properties += property(MessageConst.CHECK_IMMUNITY_TIME_IN_SECONDS, String(checkImmunityTimeSeconds));
    }
    return { ...outgoing, properties, sysFlag: outgoing.sysFlag | MessageSysFlag.TRANSACTION_PREPARED_TYPE };
  }

  /** The local part and the end of a transaction whose half message is stored. */
  run(message: MessageInput, sent: SendResult, arg: unknown, end: OnewaySender): Promise<TransactionSendResult> {
    return this.tracked(this.runNow(message, sent, arg, end));
  }

  /** CHECK_TRANSACTION_STATE. */
  check(message: MessageExt, header: CheckTransactionStateRequest, answer: OnewaySender): void {
    if (this.checks.length >= this.options.checkRequestHoldMax) {
      this.options.logger.warn(
        `the check of transaction ${message.msgId} is not taken: ${this.checks.length} wait already (checkRequestHoldMax); the broker asks again`,
      );
      return;
    }
    this.checks.push({ message, header, answer });
    this.startChecks();
  }

  /** Resolves when no transaction and no check is under way. */
  async idle(): Promise<void> {
    while (this.active.size > 0) await Promise.allSettled([...this.active]);
  }

  private startChecks(): void {
    while (this.runningChecks < this.options.checkConcurrency) {
      const check = this.checks.shift();
      if (check === undefined) return;
      this.runningChecks++;
      void this.tracked(this.runCheck(check)).finally(() => {
        this.runningChecks--;
        this.startChecks();
      });
    }
  }

  private async runNow(
    message: MessageInput,
    sent: SendResult,
    arg: unknown,
    end: OnewaySender,
  ): Promise<TransactionSendResult> {
    const transactionId = sent.transactionId ?? sent.msgId;
    const result: TransactionSendResult = { ...sent, localTransactionState: LocalTransactionState.ROLLBACK_MESSAGE };
    // A half message that may be lost with its broker is given up, as RocketMQ does.
    if (sent.status === 'SEND_OK') {
      try {
        const state = await this.options.listener.executeLocalTransaction(
          { ...message, msgId: sent.msgId, transactionId },
          arg,
        );
        result.localTransactionState = known(state);
      } catch (error) {
        result.localTransactionState = LocalTransactionState.UNKNOWN;
        result.localException = error;
        this.options.logger.warn(
          `executeLocalTransaction of ${sent.msgId} threw: ${errorText(error)}; the broker will ask`,
        );
      }
    }
    const { physicalOffset, address } = decodeOffsetMsgId(sent.offsetMsgId);
    const place = { tranStateTableOffset: sent.queueOffset, commitLogOffset: physicalOffset };
    const header = { topic: message.topic, ...place, msgId: sent.msgId, transactionId, fromTransactionCheck: false };
    const { localException } = result;
    const remark =
      localException === undefined
        ? undefined
        : `executeLocalTransactionBranch exception: ${errorText(localException)}`;
    this.onEnd?.({
      topic: message.topic,
      msgId: sent.msgId,
      tags: message.tags,
      keys: typeof message.keys === 'object' ? message.keys.join(' ') : message.keys,
      storeHost: address,
      transactionId,
      regionId: sent.regionId,
      state: result.localTransactionState,
      fromTransactionCheck: false,
    });
    const { localTransactionState: state } = result;
    await this.end(header, state, remark, this.spanned(state, message.topic, sent.msgId, undefined, end));
    return result;
  }

  private async runCheck({ message, header, answer }: Check): Promise<void> {
    let state: LocalTransactionState = LocalTransactionState.UNKNOWN;
    let remark: string | undefined;
    try {
      const check = async () => this.options.listener.checkLocalTransaction(message);
      state = known(await (this.spans ? this.spans.checked(message, check) : check()));
    } catch (error) {
      remark = `checkLocalTransactionState Exception: ${errorText(error)}`;
      this.options.logger.warn(
        `checkLocalTransaction of ${message.msgId} threw: ${errorText(error)}; the broker asks again`,
      );
    }
    const { topic, tranStateTableOffset, commitLogOffset, transactionId } = header;
    const place = { topic, tranStateTableOffset, commitLogOffset, transactionId };
    this.onEnd?.({
      topic: topic ?? message.topic,
      msgId: message.msgId,
      tags: getTags(message),
      keys: message.properties[MessageConst.KEYS],
      storeHost: message.storeHost,
      transactionId,
      regionId: message.properties[MessageConst.MSG_REGION],
      state,
      fromTransactionCheck: true,
    });
    const send = this.spanned(state, message.topic, message.msgId, message, answer);
    await this.end({ ...place, msgId: message.msgId, fromTransactionCheck: true }, state, remark, send);
  }

  /** Never rejects: an end that is lost is asked for. */
  private async end(
    header: Omit<Parameters<typeof encodeEndTransactionRequest>[0], 'producerGroup' | 'commitOrRollback'>,
    state: LocalTransactionState,
    remark: string | undefined,
    send: OnewaySender,
  ): Promise<void> {
    const fields = encodeEndTransactionRequest({
      ...header,
      producerGroup: this.options.group,
      commitOrRollback: COMMIT_OR_ROLLBACK[state],
    });
    const command = RemotingCommand.request(RequestCode.END_TRANSACTION, fields).markOneway();
    command.remark = remark?.slice(0, MAX_REMARK_LENGTH);
    try {
      await send(command);
    } catch (error) {
      this.options.logger.warn(
        `the end (${state}) of transaction ${header.msgId} did not go out: ${errorText(error)}; the broker will ask`,
      );
    }
  }

  private spanned(
    state: LocalTransactionState,
    topic: string,
    msgId: string,
    checked: MessageExt | undefined,
    send: OnewaySender,
  ): OnewaySender {
    const { spans } = this;
    return spans ? (command) => spans.ended(state, topic, msgId, checked, async () => send(command)) : send;
  }

  private tracked<T>(work: Promise<T>): Promise<T> {
    this.active.add(work);
    const ended = (): void => {
      this.active.delete(work);
    };
    work.then(ended, ended);
    return work;
  }
}

function property(name: string, value: string): string {
  return `${name}\u0001${value}\u0002`;
}

/** What a listener without types may return. */
function known(state: LocalTransactionState): LocalTransactionState {
  return Object.hasOwn(COMMIT_OR_ROLLBACK, state) ? state : LocalTransactionState.UNKNOWN;
}
