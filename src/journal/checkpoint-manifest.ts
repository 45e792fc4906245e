/**
 * What makes the parts of a checkpoint on an object store a checkpoint: one line of text, written when all of them stand.
 *
 *     understudy-checkpoint version=1 parts=<n> bytes=<n>\n
 *
 * A later version may append words: readers pass over what they do not know. The checkpoint's own sums tell whether the parts are right.
 */
import { UnderstudyError } from '../base/errors.js';
import { needsVersion } from '../base/needs-version.js';

export interface CheckpointManifest {
  readonly parts: number;
  /** Of all parts together. */
  readonly bytes: number;
}

const MAGIC = 'understudy-checkpoint';
const VERSION = 1;

export function encodeManifest({ parts, bytes }: CheckpointManifest): Buffer {
  return Buffer.from(`${MAGIC} version=${VERSION} parts=${parts} bytes=${bytes}\n`);
}

/** @param where for the refusal: `object=…`. @throws `corrupt`. @throws `failed_precondition` (`needs version`). */
export function decodeManifest(manifest: Buffer, where: string): CheckpointManifest {
  const text = manifest.toString('latin1');
  const [, version] = new RegExp(`^${MAGIC} version=(\\d+)\\b.*\\n$`).exec(text) ?? [];
  if (Number(version) > VERSION) throw needsVersion('checkpoint manifest', Number(version), VERSION, where);
  const [, parts, bytes] = / parts=(\d+) bytes=(\d+)\b/.exec(text) ?? [];
  if (version === undefined || !Number.isSafeInteger(Number(parts)) || !Number.isSafeInteger(Number(bytes))) {
    throw new UnderstudyError('corrupt', `the manifest of a checkpoint is damaged: ${where}`);
  }
  return { parts: Number(parts), bytes: Number(bytes) };
}
