/** All defects, area by area. */
import { BUCKET_DEFECTS } from './bucket-defects.js';
import { CLIENT_DEFECTS } from './client-defects.js';
import type { Defect } from './defect.js';
import { FOLDER_DEFECTS } from './folder-defects.js';
import { MASTER_DEFECTS } from './master-defects.js';
import { METADATA_DEFECTS } from './metadata-defects.js';
import { WORKER_DEFECTS } from './worker-defects.js';

export const DEFECTS: readonly Defect[] = [
  ...FOLDER_DEFECTS,
  ...BUCKET_DEFECTS,
  ...MASTER_DEFECTS,
  ...METADATA_DEFECTS,
  ...CLIENT_DEFECTS,
  ...WORKER_DEFECTS,
];
