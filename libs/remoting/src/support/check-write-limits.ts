import { FRAME_MAX_LENGTH, RocknestError } from '@rocknest/protocol';

export interface WriteLimitOptions {
  maxFrameBytes: number;
  writeLowWaterMarkBytes: number;
  writeHighWaterMarkBytes: number;
  maxBufferedBytesPerConnection: number;
}

/** @throws RocknestError REMOTING_OPTIONS when a frame could not be sent within these limits */
export function checkWriteLimits(options: WriteLimitOptions): void {
  const { maxFrameBytes: frame, writeLowWaterMarkBytes: low, writeHighWaterMarkBytes: high } = options;
  const max = options.maxBufferedBytesPerConnection;
  if (frame > FRAME_MAX_LENGTH) {
    throw new RocknestError('REMOTING_OPTIONS', `maxFrameBytes ${frame} is above ${FRAME_MAX_LENGTH}`);
  }
  if (low > high || high + frame > max) {
    throw new RocknestError(
      'REMOTING_OPTIONS',
      `write limits do not fit: writeLowWaterMarkBytes (${low}) must not be above writeHighWaterMarkBytes (${high}), and that and ` +
        `maxFrameBytes (${frame}) together not above maxBufferedBytesPerConnection (${max})`,
    );
  }
}
