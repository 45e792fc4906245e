import type { understudy } from '#proto/understudy.js';
import { checkMaySet, settableMode } from './attribute-access.js';
import { NO_EXPIRY, NOTHING_MORE } from './inode-more.js';
import {
  checkCount,
  checkMode,
  checkPrincipal,
  type EntryBody,
  type PlanContext,
  type Planned,
  plainPath,
  resolveExisting,
} from './plan.js';
import { type Inode, PERSISTENCE } from './records.js';
import { refusal } from './refusals.js';
import { ROOT_ID, type StateView } from './state.js';

type Request = understudy.SetAttributesRequest;
type Changes = NonNullable<EntryBody['setAttributes']>;

/** Changes of an inode's attributes those that the request names. */
export function planSetAttributes(request: Request, state: StateView, context: PlanContext): Planned {
  checkValues(request);
  const resolved = resolveExisting(request.path, state, context);
  const { path, parentId, name, inode } = resolved;
  checkMaySet(request, inode, context.identity, path);
  const mode = settableMode(request, inode, context.identity);
  const changes: Changes = {
    ...(request.owner == null ? {} : { owner: request.owner }),
    ...(request.group == null ? {} : { group: request.group }),
    ...(mode === null ? {} : { mode }),
    ...(request.modifiedMs == null ? {} : { modifiedMs: request.modifiedMs }),
    ...(request.accessedMs == null ? {} : { accessedMs: request.accessedMs }),
    ...(request.pinned == null ? {} : { pinned: request.pinned }),
    ...replicationChanges(request, inode),
    ...expiryChanges(request, inode),
    ...persistenceChange(request, inode),
  };
  const present = { ...NOTHING_MORE, ...inode.more, ...inode } as Changes;
  const same = Object.entries(changes).every(([field, value]) => present[field as keyof Changes] === value);
  return same ? { unchanged: inode } : { entry: { path: plainPath(resolved), setAttributes: { parentId, name, ...changes } } };
}

/** @throws EINVAL: what makes no sense, whatever the state. */
function checkValues({ path, owner, group, mode, modifiedMs, accessedMs, ttlMs, clearTtl }: Request): void {
  if (owner != null) checkPrincipal(owner, 'owner');
  if (group != null) checkPrincipal(group, 'group');
  if (mode != null) checkMode(mode);
  if (modifiedMs != null) checkCount(modifiedMs, 'modified_ms');
  if (accessedMs != null) checkCount(accessedMs, 'accessed_ms');
  if (ttlMs != null) checkCount(ttlMs, 'ttl_ms');
  if (ttlMs != null && clearTtl) throw refusal('EINVAL', 'a time to live is either set or cleared', path);
}

/** @throws EISDIR; EINVAL: fewer at most than at least. */
function replicationChanges({ path, replicationMin, replicationMax }: Request, { directory, more }: Inode): Changes {
  if (replicationMin == null && replicationMax == null) return {};
  if (directory) throw refusal('EISDIR', 'only a file has copies', path);
  const min = replicationMin ?? more?.replicationMin ?? 0;
  const max = replicationMax ?? more?.replicationMax ?? 0;
  if (max !== 0 && max < min) throw refusal('EINVAL', 'fewer copies at most than at least', path, `min=${min} max=${max}`);
  return { replicationMin: min, replicationMax: max };
}

/** A time to live counts from when the inode was made. @throws EINVAL. */
function expiryChanges({ path, ttlMs, expiryAction, clearTtl }: Request, { id, createdMs }: Inode): Changes {
  if (clearTtl) return NO_EXPIRY;
  if (ttlMs == null) return {};
  if (id === ROOT_ID) throw refusal('EINVAL', 'the root never expires', path);
  return { ttlMs, expiresMs: checkCount(createdMs + ttlMs, 'expires_ms'), expiryAction };
}

/** @throws EINVAL: it does not come about so. */
function persistenceChange({ path, persistence }: Request, { persistence: before }: Inode): Changes {
  if (persistence == null) return {};
  const { lost } = PERSISTENCE;
  const isNext = persistence === before || persistence === lost || NEXT_PERSISTENCE.get(before)?.includes(persistence);
  if (!isNext) throw refusal('EINVAL', 'not a state of persistence that can follow', path, `persistence=${persistence} before=${before}`);
  return { persistence };
}

const NEXT_PERSISTENCE = new Map<number, readonly number[]>([
  [PERSISTENCE.notPersisted, [PERSISTENCE.toBePersisted]],
  [PERSISTENCE.toBePersisted, [PERSISTENCE.persisted, PERSISTENCE.notPersisted]],
]);
