import { CURRENT_MQ_VERSION, MASTER_ID } from '@rocknest/protocol';
import type { GetResult } from '@rocknest/store';
import { encodeAsciiFrameHead } from '../reply/reply-frame.js';
import type { AdmittedPull } from './pull-admission.js';

const TAIL = `","serializeTypeCurrentRPC":"JSON","version":${CURRENT_MQ_VERSION}}`;

/**
 * The frame of a pull's answer: the header from a template, behind it the records as they stand in the log, not copied.
 * Consumers are told to stay with the master, because nothing else can be read from.
 *
 * Fields of `header/PullMessageResponseHeader.java`; the remark is the store's status, as in RocketMQ.
 */
export function encodePullReply(
  opaque: number,
  code: number,
  result: GetResult,
  pull: AdmittedPull,
): readonly Buffer[] {
  const head = encodeAsciiFrameHead(pullReplyHeader(opaque, code, result, pull), result.sizeBytes);
  return result.records.length === 0 ? [head] : [head, ...result.records];
}

/** The header of the answer: ASCII, so that its length is that of the text. */
export function pullReplyHeader(opaque: number, code: number, result: GetResult, pull: AdmittedPull): string {
  return `{"code":${code},"extFields":{"groupSysFlag":"${pull.group.groupSysFlag}","maxOffset":"${result.maxOffset}","minOffset":"${result.minOffset}","nextBeginOffset":"${result.nextBeginOffset}","suggestWhichBrokerId":"${MASTER_ID}","topicSysFlag":"${pull.topic.topicSysFlag}"},"flag":1,"language":"JAVA","opaque":${opaque},"remark":"${result.status}${TAIL}`;
}
