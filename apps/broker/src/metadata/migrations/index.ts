import { CreateMetadata1763800000000 } from './1763800000000-create-metadata.js';
import { AddPop1763850000000 } from './1763850000000-add-pop.js';

/** In the order in which they run. */
export const metadataMigrations = [CreateMetadata1763800000000, AddPop1763850000000];
