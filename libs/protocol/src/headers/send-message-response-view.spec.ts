import { describe, expect, it } from 'vitest';
import { SerializeType } from '../codes/serialize-type.js';
import { decodeFrame } from '../command/decode-frame.js';
import { encodeFrame } from '../command/encode-frame.js';
import { RemotingCommand } from '../command/remoting-command.js';
import { sendMessageResponseView, viewedText, viewSendMessageResponse } from './send-message-response-view.js';

const FIELDS = {
  MSG_REGION: 'DefaultRegion',
  TRACE_ON: 'true',
  msgId: '7F00000100002A9F0000000000000001',
  queueId: '3',
  queueOffset: '12345',
  transactionId: 'C00002027D20C0CAA5A86FC111420001',
};

function received(fields: Record<string, string>, type: SerializeType): RemotingCommand {
  const response = RemotingCommand.response(0, { fields });
  response.serializeType = type;
  return decodeFrame(Buffer.concat(encodeFrame(response)).subarray(4));
}

describe.each([SerializeType.JSON, SerializeType.ROCKETMQ])('view of a send answer, serialize type %i', (type) => {
  it('finds every field', () => {
    const response = received(FIELDS, type);
    expect(viewSendMessageResponse(response)).toBe(true);
    const view = sendMessageResponseView;
    expect(view).toMatchObject({ queueId: 3, queueOffset: 12_345 });
    expect(viewedText(response, view.msgId, '')).toBe(FIELDS.msgId);
    expect(viewedText(response, view.msgRegion, 'DefaultRegion')).toBe('DefaultRegion');
    expect(viewedText(response, view.transactionId, FIELDS.transactionId.replace('1', '2'))).toBe(FIELDS.transactionId);
  });

  it('says what is absent, whatever the answer before had', () => {
    viewSendMessageResponse(received(FIELDS, type));
    const response = received({ batchUniqId: 'x', queueIf: '1', TRACE_ON: 'true' }, type);
    expect(viewSendMessageResponse(response)).toBe(true);
    expect(sendMessageResponseView).toEqual({
      queueId: NaN,
      queueOffset: NaN,
      msgId: -1,
      transactionId: -1,
      msgRegion: -1,
      recallHandle: -1,
    });
    expect(viewedText(response, -1, 'x')).toBeUndefined();
  });

  it('reads escapes and characters beyond ASCII', () => {
    const response = received({ MSG_REGION: 'Zürich "1"', msgId: 'a\\' }, type);
    viewSendMessageResponse(response);
    expect(viewedText(response, sendMessageResponseView.msgRegion, 'Zürich "1"')).toBe('Zürich "1"');
    expect(viewedText(response, sendMessageResponseView.msgId, 'a\\\\')).toBe('a\\');
  });

  it('leaves an answer without fields to others', () => {
    expect(viewSendMessageResponse(received({}, type))).toBe(false);
    expect(viewSendMessageResponse(RemotingCommand.response(0, { fields: FIELDS }))).toBe(false);
  });
});
