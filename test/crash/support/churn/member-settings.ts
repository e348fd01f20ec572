/** What a member process is started with, as JSON. */
export interface MemberSettings {
  namesrvAddr: string;
  topic: string;
  group: string;
  orderly: boolean;
  logFile: string;
  lockIntervalMs: number;
  lockMaxLiveMs: number;
}
