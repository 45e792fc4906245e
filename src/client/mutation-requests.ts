/**
 * Requests of mutations out of plain options: the same for a call of its own and for a step of a batch.
 */
import type { understudy } from '#proto/understudy.js';
import { isError, withPath } from '../base/errors.js';
import { parseAcl, parseAclNames } from '../metadata/acl-text.js';
import { aclEntryMessage } from '../metadata/inode-more.js';
import type { ClientSettings } from './client-settings.js';
import { PERSISTENCE, TTL_ACTIONS, type TtlAction } from './file-status.js';
import type {
  AclChange,
  AddBlocksOptions,
  Attributes,
  CompleteFileOptions,
  CreateDirectoryOptions,
  CreateFileOptions,
  MountOptions,
  QuotaChange,
  RemoveOptions,
  RenameOptions,
  SetCursorOptions,
  SetXattrOptions,
} from './file-system-options.js';

/** A request without who calls. */
type Request<Properties> = Omit<Properties, 'caller'>;

/** @param own `umask` is taken from default modes; a mode that is asked for stays as it is. */
export function createFileRequest(
  path: string,
  options: CreateFileOptions,
  { umask, blockBytes }: Pick<ClientSettings, 'umask' | 'blockBytes'>,
): Request<understudy.CreateFileRequest.$Properties> {
  const { ttlMs, ttlAction, ...same } = options;
  return { path, ...same, ...withTtl(ttlMs, ttlAction), umask: options.mode === undefined ? umask : 0, blockBytesDefault: blockBytes };
}

export function completeFileRequest(
  path: string,
  length: number,
  options: CompleteFileOptions,
): Request<understudy.CompleteFileRequest.$Properties> {
  return { ...options, path, length };
}

export function addBlocksRequest(
  path: string,
  blocks: number,
  options: AddBlocksOptions,
): Request<understudy.AddBlocksRequest.$Properties> {
  return { ...options, path, blocks };
}

export function createDirectoryRequest(
  path: string,
  options: CreateDirectoryOptions,
  umask: number,
): Request<understudy.CreateDirectoryRequest.$Properties> {
  const { ttlMs, ttlAction, ...same } = options;
  return { path, ...same, ...withTtl(ttlMs, ttlAction), umask: options.mode === undefined ? umask : 0 };
}

export function renameRequest(from: string, to: string, options: RenameOptions): Request<understudy.RenameRequest.$Properties> {
  return { ...options, from, to };
}

export function removeRequest(path: string, options: RemoveOptions): Request<understudy.RemoveRequest.$Properties> {
  return { ...options, path };
}

export function setAttributesRequest(path: string, attributes: Attributes): Request<understudy.SetAttributesRequest.$Properties> {
  const { ttlMs, ttlAction, persistence, ...same } = attributes;
  return {
    ...same,
    path,
    ...(ttlMs === null ? { clearTtl: true } : withTtl(ttlMs, ttlAction)),
    ...(persistence === undefined ? {} : { persistence: PERSISTENCE.indexOf(persistence) }),
  };
}

export function setQuotaRequest(path: string, { namesMax, bytesMax }: QuotaChange): Request<understudy.SetQuotaRequest.$Properties> {
  return { path, namesMax: namesMax ?? null, bytesMax: bytesMax === undefined ? null : limbs(BigInt(bytesMax)) };
}

/** In the order of the numbers of `AclAction` in proto/namespace.proto. */
const ACL_ACTIONS: readonly AclChange['action'][] = ['modify', 'replace', 'remove', 'removeDefault', 'removeAll'];

/** @throws `invalid_argument`: the text is no access control list. */
export function setAclRequest(path: string, change: AclChange): Request<understudy.SetAclRequest.$Properties> {
  try {
    return { path, action: ACL_ACTIONS.indexOf(change.action), entries: aclEntries(change) };
  } catch (error) {
    throw isError(error) ? withPath(error, path) : error;
  }
}

/** In the order of the numbers of `XattrFlag` there. */
const XATTR_FLAGS: readonly SetXattrOptions['only'][] = [undefined, 'create', 'replace'];

export function setXattrRequest(
  path: string,
  name: string,
  value: Uint8Array | string,
  { only }: SetXattrOptions,
): Request<understudy.SetXattrRequest.$Properties> {
  return { path, name, value: typeof value === 'string' ? Buffer.from(value) : value, flag: XATTR_FLAGS.indexOf(only) };
}

export function mountRequest(path: string, uri: string, options: MountOptions): Request<understudy.MountRequest.$Properties> {
  return { ...options, path, uri, options: mountOptions(options) };
}

export function updateMountRequest(path: string, options: MountOptions): Request<understudy.UpdateMountRequest.$Properties> {
  return { ...options, path, options: mountOptions(options) };
}

export function setCursorRequest(name: string, options: SetCursorOptions): Request<understudy.SetCursorRequest.$Properties> {
  return { ...options, name };
}

function aclEntries(change: AclChange): understudy.AclEntry.$Properties[] {
  switch (change.action) {
    case 'modify':
    case 'replace':
      return (typeof change.entries === 'string' ? parseAcl(change.entries) : change.entries).map(aclEntryMessage);
    case 'remove': {
      const names = typeof change.entries === 'string' ? parseAclNames(change.entries) : change.entries;
      return names.map((name) => aclEntryMessage({ ...name, permissions: 0 }));
    }
    default:
      return [];
  }
}

const mountOptions = ({ options = {} }: MountOptions): understudy.MountOption.$Properties[] =>
  Object.entries(options).map(([key, value]) => ({ key, value }));

function withTtl(ttlMs: number | undefined, action: TtlAction = 'DELETE') {
  return ttlMs === undefined ? {} : { ttlMs, expiryAction: TTL_ACTIONS.indexOf(action) };
}

/** A sum of 0 is sent as one: it takes the bound away. */
const limbs = (sum: bigint): understudy.Sum.$Properties => ({ high: Number(sum >> 32n), low: Number(sum & 0xffff_ffffn) });
