import { CreateKvConfig1763800000000 } from './1763800000000-create-kv-config.js';

/** In the order in which they run. */
export const kvConfigMigrations = [CreateKvConfig1763800000000];
