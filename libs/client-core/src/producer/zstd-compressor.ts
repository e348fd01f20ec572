import * as zlib from 'node:zlib';
import { promisify } from 'node:util';

type Compress = (body: Buffer, level: number) => Promise<Buffer>;

interface NativeZstd {
  zstdCompress?: (
    body: Buffer,
    options: { params: Record<number, number> },
    done: (error: Error | null, result: Buffer) => void,
  ) => void;
  constants: { ZSTD_c_compressionLevel?: number };
}

/** Node's own, outside of the event loop: there from 22.15 on. */
function nativeCompressor(): Compress | undefined {
  const { zstdCompress, constants } = zlib as unknown as NativeZstd;
  const levelParameter = constants.ZSTD_c_compressionLevel;
  if (zstdCompress === undefined || levelParameter === undefined) return undefined;
  const compress = promisify(zstdCompress);
  return (body, level) => compress(body, { params: { [levelParameter]: level } });
}

/** The WebAssembly build of the reference implementation, loaded with the first body: it is a quarter of a megabyte. */
async function wasmCompressor(): Promise<Compress> {
  const { init, compress } = await import('@bokuweb/zstd-wasm');
  await init();
  return (body, level) => {
    const made = compress(body, level);
    return Promise.resolve(Buffer.from(made.buffer, made.byteOffset, made.byteLength));
  };
}

let ready: Promise<Compress> | undefined;

/** The body as one Zstandard frame. docs/decisions/0013-lz4-and-zstandard.md says which encoder and why. */
export async function compressZstd(body: Buffer, level: number): Promise<Buffer> {
  const native = nativeCompressor();
  ready ??= native === undefined ? wasmCompressor() : Promise.resolve(native);
  try {
    return await (
      await ready
    )(body, level);
  } catch (error) {
    // A failed load may be tried again.
    ready = undefined;
    throw error;
  }
}
