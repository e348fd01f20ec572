import { constants } from 'node:os';
import { fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';

/*
 * The program behind `FailingDevice`: a FUSE file system of one file, over which a loop device is laid. It answers the kernel's requests one after
 * the other from a file of the same size, but for those that it was told to fail: `node failing-device-server.js FD BACKING CONTROL`, where FD is
 * the mounted /dev/fuse and CONTROL a file with the faults as JSON, read again before each request (`Faults` in failing-device.ts).
 * The kernel's side of the protocol: include/uapi/linux/fuse.h.
 */

const Opcode = {
  FORGET: 2,
  GETATTR: 3,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  RELEASE: 18,
  FSYNC: 20,
  FLUSH: 25,
  INIT: 26,
  INTERRUPT: 36,
  BATCH_FORGET: 42,
} as const;

const IN_HEADER_BYTES = 40;
const OUT_HEADER_BYTES = 16;
const RW_HEADER_BYTES = 40;
const MAX_WRITE_BYTES = 1024 * 1024;
const MAX_PAGES = MAX_WRITE_BYTES / 4096;
const PROTOCOL_MAJOR = 7;
const PROTOCOL_MINOR = 31;
const FLAG_BIG_WRITES = 1 << 5;
const FLAG_MAX_PAGES = 1 << 22;
const INIT_OUT_BYTES = 64;
const ATTR_OUT_BYTES = 104;
const OPEN_OUT_BYTES = 16;
const WRITE_OUT_BYTES = 8;
const DIRECT_IO = 1;
const REGULAR_FILE = 0o100600;
/** What is called new or written before, each on its own. */
const BLOCK_BYTES = 4096;

interface Faults {
  readonly read?: string;
  readonly write?: string;
  readonly sync?: string;
  readonly grow?: string;
}

const [fuse, backing] = [Number(process.argv[2]), openSync(process.argv[3], 'r+')];
const controlFile = process.argv[4];
const sizeBytes = fstatSync(backing).size;
const writtenBlocks = new Uint8Array(Math.ceil(sizeBytes / BLOCK_BYTES));
const request = Buffer.alloc(MAX_WRITE_BYTES + 64 * 1024);

for (;;) {
  const length = next();
  if (length === undefined) break;
  const opcode = request.readUInt32LE(4);
  if (opcode === Opcode.FORGET || opcode === Opcode.BATCH_FORGET || opcode === Opcode.INTERRUPT) continue;
  const answer = respond(opcode);
  reply(request.readBigUInt64LE(8), answer);
}

/** Waits for a request. @returns its size; undefined when the file system was unmounted. */
function next(): number | undefined {
  for (;;) {
    try {
      return readSync(fuse, request);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      // ENOENT: the request was taken back.
      if (code === 'EINTR' || code === 'EAGAIN' || code === 'ENOENT') continue;
      if (code === 'ENODEV') return undefined;
      throw error;
    }
  }
}

function reply(unique: bigint, answer: Buffer | string): void {
  const body = typeof answer === 'string' ? Buffer.alloc(0) : answer;
  const head = Buffer.alloc(OUT_HEADER_BYTES);
  head.writeUInt32LE(OUT_HEADER_BYTES + body.length, 0);
  if (typeof answer === 'string') head.writeInt32LE(-errno(answer), 4);
  head.writeBigUInt64LE(unique, 8);
  try {
    writeSync(fuse, Buffer.concat([head, body]));
  } catch (error) {
    // The asker was killed meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function errno(name: string): number {
  return Object.entries(constants.errno).find(([known]) => known === name)?.[1] ?? constants.errno.EIO;
}

/** @returns the body of the answer, or the name of an error. */
function respond(opcode: number): Buffer | string {
  switch (opcode) {
    case Opcode.INIT:
      return initialized();
    case Opcode.GETATTR:
      return attributes();
    case Opcode.OPEN: {
      const opened = Buffer.alloc(OPEN_OUT_BYTES);
      opened.writeUInt32LE(DIRECT_IO, 8);
      return opened;
    }
    case Opcode.READ:
      return read();
    case Opcode.WRITE:
      return write();
    case Opcode.FSYNC:
      return faults().sync ?? Buffer.alloc(0);
    case Opcode.RELEASE:
    case Opcode.FLUSH:
      return Buffer.alloc(0);
    default:
      return 'ENOSYS';
  }
}

function faults(): Faults {
  return JSON.parse(readFileSync(controlFile, 'utf8')) as Faults;
}

function initialized(): Buffer {
  const body = Buffer.alloc(INIT_OUT_BYTES);
  body.writeUInt32LE(PROTOCOL_MAJOR, 0);
  body.writeUInt32LE(PROTOCOL_MINOR, 4);
  body.writeUInt32LE(FLAG_BIG_WRITES | FLAG_MAX_PAGES, 12);
  body.writeUInt16LE(16, 16);
  body.writeUInt16LE(12, 18);
  body.writeUInt32LE(MAX_WRITE_BYTES, 20);
  body.writeUInt32LE(1, 24);
  body.writeUInt16LE(MAX_PAGES, 28);
  return body;
}

function attributes(): Buffer {
  const body = Buffer.alloc(ATTR_OUT_BYTES);
  body.writeBigUInt64LE(3600n, 0);
  body.writeBigUInt64LE(1n, 16);
  body.writeBigUInt64LE(BigInt(sizeBytes), 24);
  body.writeBigUInt64LE(BigInt(sizeBytes / 512), 32);
  body.writeUInt32LE(REGULAR_FILE, 76);
  body.writeUInt32LE(1, 80);
  body.writeUInt32LE(BLOCK_BYTES, 96);
  return body;
}

function read(): Buffer | string {
  const { read: fault } = faults();
  if (fault !== undefined) return fault;
  const offset = Number(request.readBigUInt64LE(IN_HEADER_BYTES + 8));
  const bytes = Buffer.alloc(request.readUInt32LE(IN_HEADER_BYTES + 16));
  return bytes.subarray(0, readSync(backing, bytes, 0, bytes.length, offset));
}

function write(): Buffer | string {
  const offset = Number(request.readBigUInt64LE(IN_HEADER_BYTES + 8));
  const length = request.readUInt32LE(IN_HEADER_BYTES + 16);
  const blocks = writtenBlocks.subarray(Math.floor(offset / BLOCK_BYTES), Math.ceil((offset + length) / BLOCK_BYTES));
  const fault = faults();
  if (fault.write !== undefined) return fault.write;
  if (fault.grow !== undefined && blocks.includes(0)) return fault.grow;
  blocks.fill(1);
  const done = Buffer.alloc(WRITE_OUT_BYTES);
  done.writeUInt32LE(writeSync(backing, request, IN_HEADER_BYTES + RW_HEADER_BYTES, length, offset), 0);
  return done;
}
