/**
 * What the masters say of where bytes are, and of where they can go.
 */
import { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../../base/errors.js';
import { operations } from '../../metadata/operations.js';
import { type BlockLocation, blockLocations } from '../block-locations.js';
import type { Client, ReadOptions } from '../client.js';
import { type FileStatus, fileStatus } from '../file-status.js';

/** A file in mounted storage, or what that has of it. */
export interface UnderFile {
  readonly mountId: number;
  /** From the mount's root. */
  readonly path: string;
  readonly length: number;
  /** 0: not known. */
  readonly modifiedMs: number;
  /** So many of its first bytes are the file's. */
  readonly same: number;
}

export interface LocatedFile {
  readonly status: FileStatus;
  /** In order. */
  readonly blocks: readonly BlockLocation[];
  /** Where workers fetch it from; undefined: it stands in no mounted storage. */
  readonly under?: UnderFile;
}

export interface WorkerPlace {
  /** `host:port` of its data service. */
  readonly address: string;
  readonly freeBytes: number;
}

export interface BlockPlaces {
  /** @returns blocks that hold bytes of [offset, offset + length): those that come first, where they are many. @throws as `FileSystem.getBlockLocations`. */
  locate(path: string, offset: number, length: number, options?: ReadOptions): Promise<LocatedFile>;
  /** @returns workers that take new blocks. */
  workers(options?: ReadOptions): Promise<readonly WorkerPlace[]>;
}

/** It is no answer of the namespace, and says of no entry. */
type Listed = understudy.ListWorkersResponse & { readonly sn?: number };
const response: { decode(bytes: Uint8Array): Listed } = understudy.ListWorkersResponse;
const { method, request } = operations.listWorkers;
const listWorkers = { method, request, response };

/** As the masters of `client` tell. */
export function toldPlaces(client: Client): BlockPlaces {
  return {
    async locate(path, offset, length, options) {
      const answer = await client.query(operations.getBlockLocations, { path, offset, length }, options);
      if (answer.inode == null) throw new UnderstudyError('internal', 'the answer lacks the file that it is about');
      const located = { status: fileStatus(path, answer.inode), blocks: blockLocations(answer) };
      return answer.under == null ? located : { ...located, under: underFile(answer.under) };
    },
    async workers(options) {
      const { workers } = await client.query(listWorkers, {}, options);
      return workers.filter(({ state }) => state === 'LIVE').map(workerPlace);
    },
  };
}

function workerPlace({ worker, tiers }: understudy.WorkerInfo.$Properties): WorkerPlace {
  const free = (tiers ?? []).map(({ capacityBytes, usedBytes }) => Math.max(0, (capacityBytes ?? 0) - (usedBytes ?? 0)));
  return { address: worker?.rpcAddress ?? '', freeBytes: free.reduce((sum, bytes) => sum + bytes, 0) };
}

function underFile({ mountId, path, length, modifiedMs, same }: understudy.UnderFile.$Properties): UnderFile {
  return { mountId: mountId ?? 0, path: path ?? '', length: length ?? 0, modifiedMs: modifiedMs ?? 0, same: same || (length ?? 0) };
}
