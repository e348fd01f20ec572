import { CreateMetadata1763800000000 } from './1763800000000-create-metadata.js';

/** In the order in which they run. */
export const metadataMigrations = [CreateMetadata1763800000000];
