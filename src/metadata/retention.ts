/**
 * Which checkpoints are kept, and how much of the journal: a rule on the state's record of it.
 *
 * The newest `keep` are kept. Nothing of the log is given up before there are so many; then everything up to the oldest of them. What was
 * given up never comes back, so the boundary never moves back either.
 */
import assert from 'node:assert/strict';
import { epoch, sequence } from '../base/ids.js';
import type { CheckpointRef, Retention } from '../journal/checkpoints.js';
import type { CheckpointRecord, RetentionRecord } from './records.js';

/** @returns what is kept once `made`, which is newer than all of them, is published. */
export function withCheckpoint(before: RetentionRecord, made: CheckpointRecord, keep: number): RetentionRecord {
  assert(made.sn > (before.checkpoints[0]?.sn ?? 0), 'checkpoints are published in order');
  const checkpoints = [made, ...before.checkpoints].slice(0, keep);
  const oldest = checkpoints.at(-1);
  if (checkpoints.length < keep || oldest === undefined || oldest.sn <= before.boundarySn) return { ...before, checkpoints };
  return { checkpoints, boundaryEpoch: oldest.epoch, boundarySn: oldest.sn, boundaryHash: oldest.hash };
}

/** @returns the same, as the journal's seam has it. */
export function asRetention({ checkpoints, boundaryEpoch, boundarySn, boundaryHash }: RetentionRecord): Retention {
  const point = { sn: sequence(boundarySn), hash: boundaryHash };
  return { checkpoints: checkpoints.map(asRef), boundary: boundarySn === 0 ? null : { epoch: epoch(boundaryEpoch), point } };
}

function asRef({ sn, id }: CheckpointRecord): CheckpointRef {
  return { sn: sequence(sn), id: Buffer.from(id).toString('hex') };
}
