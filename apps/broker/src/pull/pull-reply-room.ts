import { SerializeType } from '@rocknest/protocol';
import type { Connection, RequestRef, WritePage } from '@rocknest/remoting';
import type { GetResult, RecordPlace } from '@rocknest/store';
import { FRAME_PREFIX_BYTES } from '../reply/reply-frame.js';
import type { AdmittedPull } from './pull-admission.js';
import { pullReplyHeader } from './pull-reply.js';

/** Room for prefix and header: more than the longest header, in which only numbers differ. */
const HEAD_MAX_BYTES = 512;

/** So many shorter heads in a row are the rule now. */
const SHORTER_HEADS = 16;

/** How long the next head will be, as far as one can tell: like those before. Then each answer begins where the one before ends, and all of a turn leave as one buffer. */
export class PullHeadLength {
  private expected = FRAME_PREFIX_BYTES;
  private shorter = 0;

  get bytes(): number {
    return this.expected;
  }

  note(headBytes: number): void {
    if (headBytes < this.expected && ++this.shorter < SHORTER_HEADS) return;
    this.expected = headBytes;
    this.shorter = 0;
  }
}

/** The answer of a pull in the output of its connection: the store copies the records there, and the header comes to stand right before them. */
export class PullReplyRoom {
  private page: WritePage | undefined = undefined;
  private recordsAt = 0;

  constructor(
    private readonly connection: Connection,
    private readonly headLength: PullHeadLength,
  ) {}

  get isUsed(): boolean {
    return this.page !== undefined;
  }

  /** Where the store shall put the records; undefined when the connection has closed. */
  place(sizeBytes: number): RecordPlace | undefined {
    const page = this.connection.reserve(HEAD_MAX_BYTES + sizeBytes);
    if (page === undefined) return undefined;
    this.page = page;
    this.recordsAt = page.used + this.headLength.bytes;
    return { bytes: page.bytes, at: this.recordsAt };
  }

  respond(
    request: RequestRef,
    code: number,
    result: GetResult,
    pull: AdmittedPull,
    suggestWhichBrokerId: number,
  ): void {
    const { bytes, view, used } = this.page!;
    const header = pullReplyHeader(request.opaque, code, result, pull, suggestWhichBrokerId);
    const headBytes = FRAME_PREFIX_BYTES + header.length;
    const recordsAt = Math.max(this.recordsAt, used + headBytes);
    if (recordsAt > this.recordsAt) bytes.copyWithin(recordsAt, this.recordsAt, this.recordsAt + result.sizeBytes);
    this.headLength.note(headBytes);
    const headerStart = recordsAt - header.length;
    bytes.write(header, headerStart, 'latin1');
    const start = headerStart - FRAME_PREFIX_BYTES;
    view.setInt32(start, FRAME_PREFIX_BYTES - 4 + header.length + result.sizeBytes);
    view.setInt32(start + 4, (SerializeType.JSON << 24) | header.length);
    this.connection.respondReserved(request, recordsAt + result.sizeBytes, start);
  }
}
