export { namesrvSettings, type NamesrvConfig } from './config/namesrv-settings.js';
export { createNamesrv, type CreateNamesrvOptions } from './create-namesrv.js';
export type { NamesrvLogger } from './logger.js';
export type { RunningNamesrv } from './namesrv.js';
