import { describe, expect, it } from 'vitest';
import { RemotingListenError } from './errors.js';

function listenError(code: string, port = 80): string {
  return new RemotingListenError('0.0.0.0', port, Object.assign(new Error(`listen ${code}`), { code })).message;
}

describe('RemotingListenError', () => {
  it('says what to do', () => {
    expect(listenError('EADDRINUSE')).toMatch(/^cannot listen on 0\.0\.0\.0:80: another process uses the port/);
    expect(listenError('EACCES')).toMatch(/Ports below 1024 need special rights; choose a port above 1023/);
    expect(listenError('EACCES', 9876)).toMatch(/not permitted .EACCES.\. Choose another port/);
    expect(listenError('ENOTFOUND')).toMatch(/host name is unknown/);
    expect(listenError('EINVAL')).toMatch(/listen EINVAL/);
  });
});
