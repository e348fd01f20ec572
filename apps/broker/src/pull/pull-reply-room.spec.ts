import { decodeFrame, defaultSubscriptionGroupConfig, ResponseCode } from '@rocknest/protocol';
import type { Connection, RequestRef, WritePage } from '@rocknest/remoting';
import type { GetResult } from '@rocknest/store';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AdmittedPull } from './pull-admission.js';
import { PullHeadLength, PullReplyRoom } from './pull-reply-room.js';

const pull = {
  group: defaultSubscriptionGroupConfig('GID_a'),
  topic: { topicName: 'Orders', topicSysFlag: 0 },
} as AdmittedPull;

/** Answers in one page, as a connection has them. */
class Output {
  readonly bytes = Buffer.alloc(16_384, 0xee);
  readonly page = { bytes: this.bytes, view: new DataView(this.bytes.buffer, this.bytes.byteOffset), used: 0 };
  readonly frames: Buffer[] = [];
  /** Bytes left out between two answers. */
  gaps: number[] = [];

  reserve(): WritePage {
    return this.page;
  }

  respondReserved(_request: RequestRef, end: number, start: number): void {
    this.gaps.push(start - this.page.used);
    this.frames.push(this.bytes.subarray(start, end));
    this.page.used = end;
  }
}

describe('the answer of a pull in the output of its connection', () => {
  let output: Output;
  let headLength: PullHeadLength;

  beforeEach(() => {
    output = new Output();
    headLength = new PullHeadLength();
  });

  function answer(opaque: number, records: string): void {
    const room = new PullReplyRoom(output as unknown as Connection, headLength);
    const place = room.place(records.length + 100)!;
    place.bytes.write(records, place.at, 'latin1');
    const result: GetResult = {
      status: 'FOUND',
      nextBeginOffset: opaque,
      minOffset: 0,
      maxOffset: 9,
      records: [],
      messageCount: 1,
      sizeBytes: records.length,
      suggestPullingFromSlave: false,
    };
    room.respond({ opaque, isOneway: false }, ResponseCode.SUCCESS, result, pull, 0);
  }

  it('is whole, however the length of its header differs from that of the one before', () => {
    const opaques = [7, 12_345, 12_346, 3, 2_000_000_000, 4];
    for (const opaque of opaques) answer(opaque, `records of ${opaque}`);
    const answers = output.frames.map((frame) => decodeFrame(frame.subarray(4)));
    expect(answers.map(({ opaque }) => opaque)).toEqual(opaques);
    expect(answers.map(({ body }) => body?.toString())).toEqual(opaques.map((opaque) => `records of ${opaque}`));
    expect(answers.map((one) => one.field('nextBeginOffset'))).toEqual(opaques.map(String));
  });

  it('begins where the one before ends, once headers have one length', () => {
    for (let opaque = 100; opaque < 110; opaque++) answer(opaque, 'records');
    expect(output.gaps).toEqual(Array(10).fill(0));
    for (let opaque = 10; opaque < 40; opaque++) answer(opaque, 'records');
    expect(output.gaps.slice(-10)).toEqual(Array(10).fill(0));
  });
});
