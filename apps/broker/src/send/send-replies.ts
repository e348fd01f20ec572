import { RemotingCommand } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import type { PutResult } from '@rocknest/store';
import { FRAME_PREFIX_BYTES, writeAsciiFrame } from '../reply/reply-frame.js';
import { putRefusal, storedCode } from './put-response.js';
import type { SendReplyEncoder } from './send-reply-encoder.js';
import type { UsualReplyEncoder } from './usual-reply-encoder.js';

export interface SendRepliesOptions {
  readonly regionId: string;
  readonly traceOn: boolean;
  readonly maxMessageSizeBytes: number;
}

/** Answers a send when the store called back. Oneway sends are not answered. */
export class SendReplies {
  constructor(
    private readonly encoder: SendReplyEncoder,
    private readonly usual: UsualReplyEncoder,
    private readonly options: SendRepliesOptions,
  ) {}

  /**
   * @param queueId the queue that the sender asked for or was given, which for a delayed message is not the one it is stored in.
   * @param uniqKey the message's UNIQ_KEY, sent back as the transaction id; empty when there is none.
   * @param recallHandle by which a timer message can be recalled.
   */
  answer(
    connection: Connection,
    request: RemotingCommand,
    result: PutResult,
    queueId: number,
    uniqKey: string,
    recallHandle?: string,
  ): void {
    if (request.isOneway) return;
    const code = storedCode(result.status);
    if (code === undefined) {
      this.refuse(connection, request, result);
      return;
    }
    const { encoder } = this;
    const { opaque } = request;
    const { queueOffset } = result;
    const msgId = result.offsetMsgIds();
    if (recallHandle === undefined) {
      // Written where it leaves from: the reply to a batch has more than a KiB, and as a buffer of its own it would be garbage outside of V8's heap.
      const header = encoder.header(opaque, code, msgId, queueId, queueOffset, uniqKey);
      const room = header === undefined ? undefined : connection.reserve(FRAME_PREFIX_BYTES + header.length);
      if (header !== undefined && room !== undefined) {
        connection.respondReserved(request, writeAsciiFrame(room, header));
        return;
      }
    }
    connection.respondEncoded(
      request,
      encoder.encode(opaque, code, msgId, queueId, queueOffset, uniqKey, recallHandle),
    );
  }

  /**
   * The same for a message whose id stands in the stored record.
   *
   * @param uniqKeyFromEnd where it begins, counted back from the record's end.
   */
  answerUsual(
    connection: Connection,
    request: RemotingCommand,
    result: PutResult,
    queueId: number,
    uniqKeyFromEnd: number,
    uniqKeyBytes: number,
  ): void {
    if (request.isOneway) return;
    const maxBytes = result.status === 'PUT_OK' ? this.usual.maxBytes(uniqKeyBytes) : undefined;
    const room = maxBytes === undefined ? undefined : connection.reserve(maxBytes);
    if (room !== undefined) {
      const end = this.usual.encode(room, request.opaque, result, queueId, uniqKeyFromEnd, uniqKeyBytes);
      connection.respondReserved(request, end);
      return;
    }
    const { recordView, recordAt, sizeBytes } = result;
    let uniqKey = '';
    if (sizeBytes > 0) {
      const start = recordView.byteOffset + recordAt + sizeBytes - uniqKeyFromEnd;
      uniqKey = Buffer.from(recordView.buffer, start, uniqKeyBytes).toString('latin1');
    }
    this.answer(connection, request, result, queueId, uniqKey);
  }

  private refuse(connection: Connection, request: RemotingCommand, result: PutResult): void {
    const { code, remark } = putRefusal(result.status, result.reason, this.options.maxMessageSizeBytes);
    const fields = { MSG_REGION: this.options.regionId, TRACE_ON: this.options.traceOn };
    connection.respond(request, RemotingCommand.response(code, { remark, fields }));
  }
}
