/** What a member process is started with, as JSON. */
export interface MemberSettings {
  namesrvAddr: string;
  topic: string;
  group: string;
  orderly: boolean;
  logFile: string;
  lockIntervalMs: number;
  lockMaxLiveMs: number;
  /** The handler of the message with this number never ends. */
  hangOn?: number;
  /** What it waits for its handlers when it leaves; by default as the client does. */
  shutdownTimeoutMs?: number;
}
