/** The names below a journal folder, and the settings of a directory journal. */
import path from 'node:path';
import type { Clock } from '../base/clock.js';
import { type Files, PAGE_BYTES } from '../base/files.js';
import type { Log } from '../base/log.js';
import type { Metrics } from '../base/metrics.js';
import type { Random } from '../base/random.js';
import { BATCH_BYTES_LIMIT } from './batch-format.js';
import type { CheckpointRef } from './checkpoints.js';
import type { StepHook } from './journal-step.js';
import { TRAILER_BYTES } from './trailer-format.js';

/** The ledger is made for this many epochs, and never grows. */
export const EPOCHS_MAX = 1 << 20;

export interface DirectoryJournalSettings {
  readonly folder: string;
  /** A segment is followed by another at this size. Default 64 MiB; never less than one batch needs. */
  readonly segmentBytes?: number;
  /** Default 8 MiB. */
  readonly batchBytesMax?: number;
  /** How often a reader looks for more. Default 5 where the file system is known to be local, else 50. */
  readonly pollIntervalMs?: number;
  /** An idle leader's mark is written this long after its last commit. Default 5. */
  readonly markDelayMs?: number;
  /** Below this much free space appends are refused; claims and marks are not. Default 64 MiB. */
  readonly freeBytesReserve?: number;
  /** Whether the next segment is filled with zeros beforehand: large appends take less time then, and the disk writes twice. Default false. */
  readonly segmentPrefill?: boolean;
  /** Whether other machines write here too, whatever the type of the file system says. Default: unless it is known to be local. */
  readonly isShared?: boolean;
  /** Another cluster's journal is refused. Default: any. */
  readonly clusterId?: string;
}

export interface DirectoryJournalDeps {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics?: Metrics;
  /** For tests: awaited between the steps of claims and appends. */
  readonly pause?: StepHook;
}

/** Everything that the parts of one open directory journal share. */
export interface DirectoryContext {
  readonly settings: Required<Omit<DirectoryJournalSettings, 'clusterId' | 'isShared'>>;
  readonly deps: DirectoryJournalDeps;
  /** Whether files are read with O_DIRECT: the file system is not known to be local. */
  readonly direct: boolean;
  /** 16 bytes. */
  readonly incarnation: Uint8Array;
}

export function withDefaults(settings: DirectoryJournalSettings, direct: boolean): DirectoryContext['settings'] {
  const batchBytesMax = Math.min(settings.batchBytesMax ?? 8 << 20, BATCH_BYTES_LIMIT);
  return {
    folder: path.resolve(settings.folder),
    segmentBytes: Math.max(settings.segmentBytes ?? 64 << 20, PAGE_BYTES + batchBytesMax + TRAILER_BYTES),
    batchBytesMax,
    pollIntervalMs: settings.pollIntervalMs ?? (direct ? 50 : 5),
    markDelayMs: settings.markDelayMs ?? 5,
    freeBytesReserve: settings.freeBytesReserve ?? 64 << 20,
    segmentPrefill: settings.segmentPrefill ?? false,
  };
}

export const formatPath = (folder: string): string => path.join(folder, 'FORMAT');
export const ledgerPath = (folder: string): string => path.join(folder, 'LEDGER');
export const claimsFolder = (folder: string): string => path.join(folder, 'claims');
export const claimPath = (folder: string, epoch: number): string => path.join(claimsFolder(folder), String(epoch));
export const logFolder = (folder: string): string => path.join(folder, 'log');
/** Files in the log folder by which claimants prove that a write succeeds. */
export const PROBE_NAME = /^\.probe-[0-9a-f]{16}$/;
export const checkpointFolder = (folder: string): string => path.join(folder, 'checkpoint');
export const checkpointName = ({ sn, id }: CheckpointRef): string => `${sn}-${id}.ckpt`;
export const checkpointPath = (folder: string, checkpoint: CheckpointRef): string =>
  path.join(checkpointFolder(folder), checkpointName(checkpoint));
/** Names of checkpoints, finished or not: sequence number, id. */
export const CHECKPOINT_NAME = /^(\d+)-([0-9a-f]{32})\.ckpt$/;
/** Names of segments: epoch, index. */
export const SEGMENT_NAME = /^(\d+)-(\d+)\.seg$/;
export const segmentPath = (folder: string, epoch: number, segment: number): string =>
  path.join(logFolder(folder), `${epoch}-${segment}.seg`);
