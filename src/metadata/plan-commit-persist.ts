/**
 * What a worker has written aside becomes the file in mounted storage: in one entry the file is PERSISTED, and the mount's queue has the rename of the
 * part onto the file's place there. What is queued later finds it there: so a rename or a removal right after takes it along.
 */
import type { understudy } from '#proto/understudy.js';
import { checkSuperuser } from './access.js';
import { mountPlace } from './mount-place.js';
import { UNDER_WORK } from './mounts.js';
import { partAt } from './parts.js';
import { type PlanContext, type Planned, plainPath, resolveInode } from './plan.js';
import { PERSISTENCE } from './records.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

/** Done before, it changes nothing. @throws ENOENT, EISDIR, EBUSY, ETXTBSY, EINVAL, ENOTSUP, EXDEV, EROFS: nothing is committed. */
export function planCommitPersist(request: understudy.CommitPersistRequest, state: StateView, context: PlanContext): Planned {
  checkSuperuser(context.identity, 'say what is persisted', '');
  const resolved = resolveInode(request.inodeId, state, context);
  const { inode, parentId, name } = resolved;
  const path = plainPath(resolved);
  const { generation, length, mountId, part } = request;
  if (inode.directory) throw refusal('EISDIR', 'only a file is persisted by workers', path);
  if (!inode.complete) throw refusal('ETXTBSY', 'it is being written', path);
  if (inode.generation !== generation) throw refusal('EBUSY', 'it was written to since', path, `generation=${inode.generation}`);
  if (inode.persistence === PERSISTENCE.persisted) return { unchanged: inode };
  if (inode.persistence !== PERSISTENCE.toBePersisted) throw refusal('ENOTSUP', 'it is not to be persisted', path);
  const of = partAt(part);
  if (inode.length !== length || of?.inodeId !== inode.id || of.generation !== generation) {
    throw refusal('EINVAL', 'the part is not one of this file', path, `part=${part} length=${length}`);
  }
  const place = mountPlace(path, state);
  if (place?.mount.id !== mountId) throw refusal('EXDEV', 'it does not lie in this mount', path, `mount=${mountId}`);
  if (place.mount.readOnly) throw refusal('EROFS', 'the mount is read-only', path, `uri=${place.mount.uri}`);
  const work = { kind: UNDER_WORK.rename, path: part, to: place.under, directory: false, mode: inode.mode, owner: '', group: '' };
  const persisted = { path, setAttributes: { parentId, name, persistence: PERSISTENCE.persisted } };
  return { entry: { path, group: { entries: [persisted, { queueWork: { mountId, work } }] } } };
}
