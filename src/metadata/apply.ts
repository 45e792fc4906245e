/**
 * Applies journal entries to the state: the same function for leader, standby, recovery and tools (I4).
 *
 * It is a pure function of the entry and the state: no clock, no randomness, no I/O but reading rows. It refuses nothing: plans did. An
 * entry that does not fit the state is damage (`corrupt`), never skipped.
 */
import { UnderstudyError } from '../base/errors.js';
import type { Entry } from './entries.js';
import { CALL_WINDOW, resultSlot } from './keys.js';
import { type Inode, inodeOf, retentionOf } from './records.js';
import { ROOT_ID, type State } from './state.js';

/** What an entry answers to the client whose call it is: the inode it made or changed, where it answers with one. */
export type Outcome = Inode | null;

type Body<K extends keyof Entry> = NonNullable<Entry[K]>;

/** Applies `entry` as number `state.sn + 1`. */
export function apply(entry: Entry, state: State): Outcome {
  const timeMs = entry.timeMs ?? 0;
  state.sn += 1;
  state.timeMs = Math.max(state.timeMs, timeMs);
  if (!entry.digest && !entry.retention) state.changedSn = state.sn;
  const outcome = applyKind(entry, state, timeMs);
  if (entry.clientId) recordCall(entry, outcome, state);
  return outcome;
}

function applyKind(entry: Entry, state: State, timeMs: number): Outcome {
  if (entry.createFile) return createFile(entry.createFile, state, timeMs);
  if (entry.completeFile) return completeFile(entry.completeFile, state);
  if (entry.createDirectory) return createDirectory(entry.createDirectory, state, timeMs);
  if (entry.rename) return rename(entry.rename, state, timeMs);
  if (entry.remove) return remove(entry.remove, state, timeMs);
  if (entry.setAttributes) return setAttributes(entry.setAttributes, state);
  if (entry.reap) return reap(entry.reap, state);
  if (entry.claim) return claim(entry.claim, state, timeMs);
  if (entry.registerClient) return registerClient(entry.registerClient, state, timeMs);
  if (entry.expireClients) return expireClients(entry.expireClients, state);
  if (entry.refusal) return entry.refusal.inode ? inodeOf(entry.refusal.inode) : null;
  if (entry.digest) return digest(entry.digest, state);
  if (entry.retention) return retention(entry.retention, state);
  throw new UnderstudyError('corrupt', `journal entry has no kind: sn=${state.sn}`);
}

function createFile(body: Body<'createFile'>, state: State, timeMs: number): Outcome {
  const inode = inodeOf(body.inode ?? {});
  const name = body.name ?? '';
  const parents = body.parents ?? [];
  let parentId = body.parentId ?? 0;
  if (parents.length === 0) addChildren(state, parentId, 1, timeMs);
  else parentId = makeDirectories(state, parentId, parents, { ...inodeOf(body.parentsInode ?? {}), childCount: 1 }, timeMs).id;
  state.putChild(parentId, name, inode, null);
  state.putParent(inode.id, { parentId, name }, null);
  takeInodeIds(state, inode.id, 1);
  return inode;
}

function completeFile(body: Body<'completeFile'>, state: State): Outcome {
  const parentId = body.parentId ?? 0;
  const name = body.name ?? '';
  const before = mustHave(state, parentId, name);
  const after: Inode = { ...before, complete: true, length: body.length ?? 0, modifiedMs: body.modifiedMs ?? 0 };
  state.putChild(parentId, name, after, before);
  return after;
}

function createDirectory(body: Body<'createDirectory'>, state: State, timeMs: number): Outcome {
  return makeDirectories(state, body.parentId ?? 0, body.names ?? [], inodeOf(body.inode ?? {}), timeMs);
}

function rename(body: Body<'rename'>, state: State, timeMs: number): Outcome {
  const from = { parentId: body.fromParentId ?? 0, name: body.fromName ?? '' };
  const to = { parentId: body.toParentId ?? 0, name: body.toName ?? '' };
  const inode = mustHave(state, from.parentId, from.name);
  state.putChild(from.parentId, from.name, null, inode);
  state.putChild(to.parentId, to.name, inode, null);
  state.putParent(inode.id, to, from);
  addChildren(state, from.parentId, -1, timeMs);
  addChildren(state, to.parentId, 1, timeMs);
  return null;
}

function remove(body: Body<'remove'>, state: State, timeMs: number): Outcome {
  const parentId = body.parentId ?? 0;
  const name = body.name ?? '';
  const inode = mustHave(state, parentId, name);
  dropRow(state, parentId, name, inode);
  addChildren(state, parentId, -1, timeMs);
  return null;
}

function setAttributes(body: Body<'setAttributes'>, state: State): Outcome {
  const parentId = body.parentId ?? 0;
  const name = body.name ?? '';
  const before = mustHave(state, parentId, name);
  const after: Inode = {
    ...before,
    owner: body.owner ?? before.owner,
    group: body.group ?? before.group,
    mode: body.mode ?? before.mode,
    modifiedMs: body.modifiedMs ?? before.modifiedMs,
    accessedMs: body.accessedMs ?? before.accessedMs,
  };
  state.putChild(parentId, name, after, before);
  return after;
}

function reap(body: Body<'reap'>, state: State): Outcome {
  const directoryId = body.directoryId ?? 0;
  for (const name of body.names ?? []) dropRow(state, directoryId, name, mustHave(state, directoryId, name));
  if (body.done) state.putDetached(directoryId, null);
  return null;
}

function claim(body: Body<'claim'>, state: State, timeMs: number): Outcome {
  state.epoch = body.epoch ?? 0;
  state.leaderAddress = body.host ?? '';
  if (state.hasRoot()) return null;
  const root: Inode = {
    id: ROOT_ID,
    directory: true,
    owner: body.owner ?? '',
    group: body.group ?? '',
    mode: 0o755,
    createdMs: timeMs,
    modifiedMs: timeMs,
    accessedMs: timeMs,
    length: 0,
    blockBytes: 0,
    complete: false,
    childCount: 0,
    persistence: 0,
  };
  state.putChild(0, '', root, null);
  takeInodeIds(state, ROOT_ID, 1);
  return null;
}

function registerClient(body: Body<'registerClient'>, state: State, timeMs: number): Outcome {
  const clientId = body.clientId ?? 0;
  state.putSession(clientId, { lowestUnanswered: 1, lastUsedMs: timeMs, highestCall: 0 }, null);
  const next = state.nextIds();
  state.putNextIds({ ...next, clientId: clientId + 1, clients: next.clients + 1 });
  return null;
}

function expireClients(body: Body<'expireClients'>, state: State): Outcome {
  for (const clientId of body.clientIds ?? []) {
    const session = state.session(clientId);
    if (session === null) continue;
    state.putSession(clientId, null, session);
    for (let slot = 0; slot <= Math.min(session.highestCall, CALL_WINDOW - 1); slot++) {
      const key = resultSlot(clientId, slot);
      if (state.hasResultAt(key)) state.putResult(key, null);
    }
    const next = state.nextIds();
    state.putNextIds({ ...next, clients: next.clients - 1 });
  }
  return null;
}

function digest(body: Body<'digest'>, state: State): Outcome {
  state.digestDue = true;
  state.expectedDigest = body.ofSn ? { ofSn: body.ofSn, low: body.low ?? 0, high: body.high ?? 0 } : null;
  return null;
}

function retention(body: Body<'retention'>, state: State): Outcome {
  state.putRetention(retentionOf(body));
  return null;
}

/** The call's outcome is part of the state, so that any later leader gives the same answer (I5). */
function recordCall(entry: Entry, outcome: Outcome, state: State): void {
  const clientId = entry.clientId ?? 0;
  const callId = entry.callId ?? 0;
  const session = state.session(clientId);
  if (session === null) throw new UnderstudyError('corrupt', `entry of an unknown client: sn=${state.sn} client=${clientId}`);
  const { errorCode, errorMessage } = entry.refusal ?? {};
  state.putResult(resultSlot(clientId, callId), {
    callId,
    errorCode: errorCode ?? 0,
    errorMessage: errorMessage ?? '',
    inode: outcome,
    sn: state.sn,
  });
  state.putSession(
    clientId,
    {
      lowestUnanswered: Math.max(session.lowestUnanswered, entry.lowestUnanswered ?? 0),
      lastUsedMs: state.timeMs,
      highestCall: Math.max(session.highestCall, callId),
    },
    session,
  );
}

/** Makes directories one below the other, the first one below `parentId`; `alike` is the last one, but for its id. */
function makeDirectories(state: State, parentId: number, names: readonly string[], alike: Inode, timeMs: number): Inode {
  addChildren(state, parentId, 1, timeMs);
  let above = parentId;
  let made = alike;
  names.forEach((name, depth) => {
    made = { ...alike, id: alike.id + depth, childCount: depth < names.length - 1 ? 1 : alike.childCount };
    state.putChild(above, name, made, null);
    state.putParent(made.id, { parentId: above, name }, null);
    above = made.id;
  });
  takeInodeIds(state, alike.id, names.length);
  return made;
}

/** Changes a directory's count of children, and its time. */
function addChildren(state: State, directoryId: number, count: number, timeMs: number): void {
  const { inode, parentId, name } = state.directory(directoryId);
  state.putChild(parentId, name, { ...inode, childCount: inode.childCount + count, modifiedMs: timeMs }, inode);
}

/** Takes an inode out of the tree; a directory that is not empty goes to the reaper. */
function dropRow(state: State, parentId: number, name: string, inode: Inode): void {
  state.putChild(parentId, name, null, inode);
  state.putParent(inode.id, null, { parentId, name });
  if (inode.directory && inode.childCount > 0) state.putDetached(inode.id, true);
}

function takeInodeIds(state: State, first: number, count: number): void {
  state.putNextIds({ ...state.nextIds(), inodeId: first + count });
}

function mustHave(state: State, parentId: number, name: string): Inode {
  const inode = state.child(parentId, name);
  if (inode === null)
    throw new UnderstudyError('corrupt', `entry names what is not there: sn=${state.sn} parent=${parentId} name=${JSON.stringify(name)}`);
  return inode;
}
