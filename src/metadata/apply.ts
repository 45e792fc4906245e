/**
 * Applies journal entries to the state: the same function for leader, standby, recovery and tools (I4).
 *
 * It is a pure function of the entry and the state: no clock, no randomness, no I/O but reading rows. It refuses nothing: plans did. An
 * entry that does not fit the state is damage (`corrupt`), never skipped.
 */
import { UnderstudyError } from '../base/errors.js';
import { setAcl, setAttributes, setXattr, touch } from './apply-attributes.js';
import { addBlocks, appendFile, completeFile, concat, truncateFile } from './apply-files.js';
import { takeInodeIds } from './apply-inode.js';
import { fork, mount, queueWork, setCursor, unmount, updateMount, workDone } from './apply-mounts.js';
import { createDirectory, createFile, load, reap, remove, rename } from './apply-tree.js';
import { propertyOf, withConfigChange } from './cluster-config.js';
import type { Entry } from './entries.js';
import { featureOf, withFeatures } from './features.js';
import { type Freeze, freezeOf } from './freeze.js';
import { CALL_WINDOW, resultSlot } from './keys.js';
import { type Inode, inodeOf, inodesOf, retentionOf } from './records.js';
import { ROOT_ID, type State } from './state.js';

/** What an entry answers to the client whose call it is. */
export interface Outcome {
  /** The inode that it made or changed, where it answers with one. */
  readonly inode: Inode | null;
  /** Of several steps: what each made or changed. */
  readonly inodes: readonly (Inode | null)[];
}

type Body<K extends keyof Entry> = NonNullable<Entry[K]>;

/** Applies `entry` as number `state.sn + 1`. */
export function apply(entry: Entry, state: State): Outcome {
  const timeMs = entry.timeMs ?? 0;
  state.sn += 1;
  state.timeMs = Math.max(state.timeMs, timeMs);
  if (!entry.digest && !entry.retention) state.changedSn = state.sn;
  const outcome = applyBody(entry, state, timeMs);
  if (entry.clientId) recordCall(entry, outcome, state);
  return outcome;
}

/** Applies what an entry says, without counting it as one: plans of several steps see one after the other by it. */
export function applyBody(entry: Entry, state: State, timeMs: number): Outcome {
  if (entry.group) {
    const inodes = (entry.group.entries ?? []).map((step) => applyBody(step, state, timeMs).inode);
    return { inode: inodes[0] ?? null, inodes: entry.group.steps ? inodes : NO_INODES };
  }
  if (entry.refusal) return { inode: entry.refusal.inode ? inodeOf(entry.refusal.inode) : null, inodes: inodesOf(entry.refusal.inodes) };
  return { inode: applyKind(entry, state, timeMs), inodes: NO_INODES };
}

const NO_INODES: readonly (Inode | null)[] = [];

function applyKind(entry: Entry, state: State, timeMs: number): Inode | null {
  if (entry.createFile) return createFile(entry.createFile, state, timeMs);
  if (entry.completeFile) return completeFile(entry.completeFile, state);
  if (entry.createDirectory) return createDirectory(entry.createDirectory, state, timeMs);
  if (entry.rename) return rename(entry.rename, state, timeMs);
  if (entry.remove) return remove(entry.remove, state, timeMs);
  if (entry.setAttributes) return setAttributes(entry.setAttributes, state);
  if (entry.reap) return reap(entry.reap, state);
  if (entry.addBlocks) return addBlocks(entry.addBlocks, state);
  if (entry.load) return load(entry.load, state);
  if (entry.touch) return touch(entry.touch, state);
  if (entry.appendFile) return appendFile(entry.appendFile, state);
  if (entry.truncateFile) return truncateFile(entry.truncateFile, state);
  if (entry.concat) return concat(entry.concat, state, timeMs);
  if (entry.setAcl) return setAcl(entry.setAcl, state);
  if (entry.setXattr) return setXattr(entry.setXattr, state);
  if (entry.renewLease) return null;
  if (entry.queueWork) return queueWork(entry.queueWork, state);
  if (entry.workDone) return workDone(entry.workDone, state);
  if (entry.setConfig) return setConfig(entry.setConfig, state);
  if (entry.freeze) return putFreeze(freezeOf(entry.freeze.freeze ?? {}), state);
  if (entry.unfreeze) return putFreeze(null, state);
  if (entry.fork) return fork(entry.fork, state);
  if (entry.setCursor) return setCursor(entry.setCursor, state);
  if (entry.enableFeatures) return enableFeatures(entry.enableFeatures, state);
  if (entry.mount) return mount(entry.mount, state, timeMs);
  if (entry.unmount) return unmount(entry.unmount, state, timeMs);
  if (entry.updateMount) return updateMount(entry.updateMount, state);
  if (entry.claim) return claim(entry.claim, state, timeMs);
  if (entry.registerClient) return registerClient(entry.registerClient, state, timeMs);
  if (entry.expireClients) return expireClients(entry.expireClients, state);
  if (entry.digest) return digest(entry.digest, state);
  if (entry.retention) return retention(entry.retention, state);
  throw new UnderstudyError('corrupt', `journal entry has no kind: sn=${state.sn}`);
}

function claim(body: Body<'claim'>, state: State, timeMs: number): null {
  state.epoch = body.epoch ?? 0;
  state.leaderAddress = body.host ?? '';
  if (state.sn === 1 && body.features?.length) enableFeatures({ features: body.features }, state);
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
    generation: 0,
    more: null,
  };
  state.putChild(0, '', root, null);
  takeInodeIds(state, ROOT_ID, 1);
  return null;
}

function registerClient(body: Body<'registerClient'>, state: State, timeMs: number): null {
  const clientId = body.clientId ?? 0;
  state.putSession(clientId, { lowestUnanswered: 1, lastUsedMs: timeMs, highestCall: 0 }, null);
  const next = state.nextIds();
  state.putNextIds({ ...next, clientId: clientId + 1, clients: next.clients + 1 });
  return null;
}

function expireClients(body: Body<'expireClients'>, state: State): null {
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

function digest(body: Body<'digest'>, state: State): null {
  state.digestDue = true;
  state.expectedDigest = body.ofSn ? { ofSn: body.ofSn, low: body.low ?? 0, high: body.high ?? 0 } : null;
  return null;
}

function retention(body: Body<'retention'>, state: State): null {
  state.putRetention(retentionOf(body));
  return null;
}

function setConfig({ forPath, set, unset }: Body<'setConfig'>, state: State): null {
  const change = { path: forPath ?? '', set: (set ?? []).map(propertyOf), unset: unset ?? [] };
  state.putConfig(withConfigChange(state.config(), change, state.sn));
  return null;
}

function enableFeatures({ features }: Body<'enableFeatures'>, state: State): null {
  state.putFeatures(withFeatures(state.features(), (features ?? []).map(featureOf)));
  return null;
}

function putFreeze(freeze: Freeze | null, state: State): null {
  state.freezes.put('freeze', freeze);
  return null;
}

/** The call's outcome is part of the state, so that any later leader gives the same answer (I5). */
function recordCall(entry: Entry, outcome: Outcome, state: State): void {
  const clientId = entry.clientId ?? 0;
  const callId = entry.callId ?? 0;
  const session = state.session(clientId);
  if (session === null) throw new UnderstudyError('corrupt', `entry of an unknown client: sn=${state.sn} client=${clientId}`);
  const { errorCode, errorMessage, errno, path } = entry.refusal ?? {};
  state.putResult(resultSlot(clientId, callId), {
    callId,
    errorCode: errorCode ?? 0,
    errorMessage: errorMessage ?? '',
    inode: outcome.inode,
    sn: state.sn,
    inodes: outcome.inodes,
    errno: errno ?? '',
    path: path ?? '',
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
