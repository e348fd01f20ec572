/** What a copy of the application is started with, as JSON. */
export interface NestCopySettings {
  namesrvAddr: string;
  topic: string;
  group: string;
  mode: 'pull' | 'pop';
  logFile: string;
}
