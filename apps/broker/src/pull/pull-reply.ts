import { CURRENT_MQ_VERSION } from '@rocknest/protocol';
import type { GetResult } from '@rocknest/store';
import { encodeAsciiFrameHead } from '../reply/reply-frame.js';
import type { AdmittedPull } from './pull-admission.js';

const TAIL = `","serializeTypeCurrentRPC":"JSON","version":${CURRENT_MQ_VERSION}}`;

/**
 * The frame of a pull's answer: the header from a template, behind it the records as they stand in the log, not copied.
 *
 * Fields of `header/PullMessageResponseHeader.java`; the remark is the store's status, as in RocketMQ.
 */
export function encodePullReply(
  opaque: number,
  code: number,
  result: GetResult,
  pull: AdmittedPull,
  /** Where the consumer shall pull next: 0 is the master. */
  suggestWhichBrokerId: number,
): readonly Buffer[] {
  const header = pullReplyHeader(opaque, code, result, pull, suggestWhichBrokerId);
  const head = encodeAsciiFrameHead(header, result.sizeBytes);
  return result.records.length === 0 ? [head] : [head, ...result.records];
}

/** The header of the answer: ASCII, so that its length is that of the text. */
export function pullReplyHeader(
  opaque: number,
  code: number,
  result: GetResult,
  pull: AdmittedPull,
  suggestWhichBrokerId: number,
): string {
  return `{"code":${code},"extFields":{"groupSysFlag":"${pull.group.groupSysFlag}","maxOffset":"${result.maxOffset}","minOffset":"${result.minOffset}","nextBeginOffset":"${result.nextBeginOffset}","suggestWhichBrokerId":"${suggestWhichBrokerId}","topicSysFlag":"${pull.topic.topicSysFlag}"},"flag":1,"language":"JAVA","opaque":${opaque},"remark":"${result.status}${TAIL}`;
}
