/** What is below a path, from counters that the masters keep. */
import type { understudy } from '#proto/understudy.js';
import { quotaOf } from '../metadata/inode-more.js';
import { sumOf } from '../metadata/sum.js';
import type { Quota } from './file-status.js';

export interface ContentSummary {
  /** A file counts itself. */
  readonly files: number;
  /** A directory counts itself. */
  readonly directories: number;
  /** Sum of the files' lengths. */
  readonly bytes: bigint;
  /** That the directory has. */
  readonly quota: Quota | null;
  /** It holds as of this entry. */
  readonly sn: number;
}

export function contentSummary({ files, directories, bytes, quota, sn }: understudy.ContentSummaryResponse): ContentSummary {
  return { files, directories, bytes: sumOf(bytes), quota: quota ? quotaOf(quota) : null, sn };
}
