import { CURRENT_MQ_VERSION, encodeFrame, RemotingCommand } from '@rocknest/protocol';
import { encodeAsciiFrameHead, isPlainText } from '../reply/reply-frame.js';

export interface SendReplyEncoderOptions {
  readonly regionId: string;
  readonly traceOn: boolean;
}

/**
 * Writes the reply of a send from a template: its header has six values that differ.
 *
 * Fields of `header/SendMessageResponseHeader.java`; MSG_REGION and TRACE_ON are read by Java clients without a null check.
 */
export class SendReplyEncoder {
  private readonly beforeMsgId: string;
  private readonly afterOpaque = `,"serializeTypeCurrentRPC":"JSON","version":${CURRENT_MQ_VERSION}}`;
  private readonly regionIsPlain: boolean;

  constructor(private readonly options: SendReplyEncoderOptions) {
    this.regionIsPlain = isPlainText(options.regionId);
    this.beforeMsgId = `,"extFields":{"MSG_REGION":"${options.regionId}","TRACE_ON":"${options.traceOn}","msgId":"`;
  }

  /**
   * @param code SUCCESS, or one of the codes that say "stored, but".
   * @param msgId the offset message id, several joined by commas for a batch.
   * @param uniqKey what the client called the message; left out when empty.
   * @param recallHandle of a timer message.
   * @returns a whole frame.
   */
  encode(
    opaque: number,
    code: number,
    msgId: string,
    queueId: number,
    queueOffset: number,
    uniqKey: string,
    recallHandle?: string,
  ): Buffer | Buffer[] {
    const header =
      recallHandle === undefined ? this.header(opaque, code, msgId, queueId, queueOffset, uniqKey) : undefined;
    return header === undefined
      ? this.encodeUncommon(opaque, code, msgId, queueId, queueOffset, uniqKey, recallHandle)
      : encodeAsciiFrameHead(header, 0);
  }

  /** The header alone, ASCII; undefined when something in it must be escaped. Parameters as for `encode`. */
  header(
    opaque: number,
    code: number,
    msgId: string,
    queueId: number,
    queueOffset: number,
    uniqKey: string,
  ): string | undefined {
    if (!this.regionIsPlain || !isPlainText(uniqKey)) return undefined;
    const transactionId = uniqKey === '' ? '' : `","transactionId":"${uniqKey}`;
    return `{"code":${code}${this.beforeMsgId}${msgId}","queueId":"${queueId}","queueOffset":"${queueOffset}${transactionId}"},"flag":1,"language":"JAVA","opaque":${opaque}${this.afterOpaque}`;
  }

  /** A timer message, or a region or an id with characters that JSON escapes. */
  private encodeUncommon(
    opaque: number,
    code: number,
    msgId: string,
    queueId: number,
    queueOffset: number,
    uniqKey: string,
    recallHandle: string | undefined,
  ): Buffer[] {
    const command = RemotingCommand.response(code, {
      fields: {
        MSG_REGION: this.options.regionId,
        TRACE_ON: this.options.traceOn,
        msgId,
        queueId,
        queueOffset,
        transactionId: uniqKey === '' ? undefined : uniqKey,
        recallHandle,
      },
    });
    command.opaque = opaque;
    return encodeFrame(command);
  }
}
