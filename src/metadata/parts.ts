/**
 * Parts: what workers write to mounted storage before it is renamed into place. A part's name says of which contents of which file it is, so that
 * whoever sees the rename done knows what is persisted, and several who write the same part write the same bytes.
 */
import { PARTS_FOLDER } from '../underfs/under-path.js';
import { UNDER_WORK, type UnderWork } from './mounts.js';

export interface PartOf {
  /** Several clusters may use one place. */
  readonly clusterId: string;
  readonly inodeId: number;
  readonly generation: number;
}

export function partPath({ clusterId, inodeId, generation }: PartOf): string {
  return `${PARTS_FOLDER}/${clusterId}-${inodeId}-${generation}.part`;
}

const PART_NAME = /^(.+)-([1-9]\d{0,15})-(0|[1-9]\d{0,9})\.part$/;

/** @param path in the storage of a mount. @returns null: it is no part's. */
export function partAt(path: string): PartOf | null {
  if (!path.startsWith(`${PARTS_FOLDER}/`)) return null;
  const [, clusterId = '', inodeId, generation] = PART_NAME.exec(path.slice(PARTS_FOLDER.length + 1)) ?? [];
  return clusterId === '' || clusterId.includes('/') ? null : { clusterId, inodeId: Number(inodeId), generation: Number(generation) };
}

/** @returns of a part that is to take the place of its file, whose it is; null: the work is another. */
export function renamedPart({ kind, path }: UnderWork): PartOf | null {
  return kind === UNDER_WORK.rename ? partAt(path) : null;
}
