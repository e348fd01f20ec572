/** Requests encoded once; only the opaque differs from send to send and is patched in place. */
export interface FrameTemplate {
  bytes: Buffer;
  patchOpaque(bytes: Buffer, at: number, opaque: number): void;
}

const SEND_MESSAGE_V2 = 310;
const PULL_MESSAGE = 11;
const SUSPEND_FLAG = 2;
const SUBSCRIPTION_FLAG = 4;
const FIRST_OPAQUE = 1_000_000_000;
const OPAQUE_DIGITS = 10;
const BINARY_OPAQUE_POSITION = 13;

function frame(header: Buffer, serializeType: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(4 + header.length + body.length, 0);
  head.writeInt32BE((serializeType << 24) | header.length, 4);
  return Buffer.concat([head, header, body]);
}

/** JSON header as the Java client writes it; the opaque always has ten digits. */
function jsonTemplate(code: number, fields: Record<string, string>, body: Buffer): FrameTemplate {
  const header = Buffer.from(
    JSON.stringify({
      code,
      extFields: fields,
      flag: 0,
      language: 'JAVA',
      opaque: FIRST_OPAQUE,
      serializeTypeCurrentRPC: 'JSON',
      version: 493,
    }),
  );
  const bytes = frame(header, 0, body);
  const position = bytes.indexOf(String(FIRST_OPAQUE));
  return {
    bytes,
    patchOpaque(target, at, opaque) {
      let rest = opaque;
      for (let digit = OPAQUE_DIGITS - 1; digit > 0; digit--) {
        target[at + position + digit] = 0x30 + (rest % 10);
        rest = Math.trunc(rest / 10);
      }
    },
  };
}

/** The compact header, as clients with ROCKETMQ serialisation write it. */
function binaryTemplate(code: number, fields: Record<string, string>, body: Buffer): FrameTemplate {
  const entries = Object.entries(fields).map(([name, value]) => {
    const entry = Buffer.alloc(6 + name.length + value.length);
    entry.writeInt16BE(name.length, 0);
    entry.write(name, 2, 'latin1');
    entry.writeInt32BE(value.length, 2 + name.length);
    entry.write(value, 6 + name.length, 'latin1');
    return entry;
  });
  const extension = Buffer.concat(entries);
  const head = Buffer.alloc(21);
  head.writeInt16BE(code, 0);
  head.writeInt16BE(493, 3);
  head.writeInt32BE(extension.length, 17);
  return {
    bytes: frame(Buffer.concat([head, extension]), 1, body),
    patchOpaque: (target, at, opaque) => target.writeInt32BE(opaque, at + BINARY_OPAQUE_POSITION),
  };
}

export type HeaderForm = 'json' | 'binary';

export function sendTemplate(form: HeaderForm, topic: string, queueId: number, bodyBytes: number): FrameTemplate {
  const fields = {
    a: 'PID_lean',
    b: topic,
    c: 'TBW102',
    d: '4',
    e: String(queueId),
    f: '0',
    g: String(Date.now()),
    h: '0',
    i: 'UNIQ_KEY\u00017F00000100000000000000000000000A\u0002WAIT\u0001true\u0002TAGS\u0001lean\u0002',
    j: '0',
    k: 'false',
    m: 'false',
    n: 'broker-a',
  };
  return (form === 'json' ? jsonTemplate : binaryTemplate)(SEND_MESSAGE_V2, fields, Buffer.alloc(bodyBytes, 'x'));
}

/** @param suspendTimeoutMs given: a pull that finds nothing may be parked for so long. */
export function pullTemplate(
  form: HeaderForm,
  topic: string,
  queueId: number,
  queueOffset: number,
  suspendTimeoutMs = 0,
): FrameTemplate {
  const fields = {
    consumerGroup: 'GID_lean',
    topic,
    queueId: String(queueId),
    queueOffset: String(queueOffset),
    maxMsgNums: '32',
    sysFlag: String(suspendTimeoutMs > 0 ? SUBSCRIPTION_FLAG | SUSPEND_FLAG : SUBSCRIPTION_FLAG),
    commitOffset: '0',
    suspendTimeoutMillis: String(suspendTimeoutMs),
    subscription: '*',
    subVersion: '0',
    expressionType: 'TAG',
  };
  return (form === 'json' ? jsonTemplate : binaryTemplate)(PULL_MESSAGE, fields, Buffer.alloc(0));
}
