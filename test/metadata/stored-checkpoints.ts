/** Checkpoints in an array, with the retention as a test sets it, and everything that can be wrong with them. */
import { UnderstudyError } from '../../src/base/errors.js';
import { type Sequence, sequence } from '../../src/base/ids.js';
import { type CheckpointRef, type Checkpoints, NOTHING_RETAINED, type Retention } from '../../src/journal/checkpoints.js';

export class StoredCheckpoints implements Checkpoints {
  readonly files = new Map<string, Buffer>();
  retention: Retention = NOTHING_RETAINED;

  async published(): Promise<Retention> {
    return this.retention;
  }

  async write(sn: Sequence, chunks: AsyncIterable<Uint8Array>): Promise<CheckpointRef & { readonly bytes: number }> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(Uint8Array.from(chunk));
    const id = String(this.files.size + 1).padStart(32, '0');
    const file = Buffer.concat(parts);
    this.files.set(id, file);
    return { sn, id, bytes: file.length };
  }

  async *read({ id }: CheckpointRef): AsyncIterable<Uint8Array> {
    const file = this.files.get(id);
    if (file === undefined) throw new UnderstudyError('not_found', 'no such checkpoint');
    for (let at = 0; at < file.length; at += 1_000) yield file.subarray(at, at + 1_000);
  }

  /** As a leader does with what was just made; nothing is collected unless `collectedTo` says so. */
  publish(checkpoint: { sn: number; id: Uint8Array }, collectedTo?: { sn: number; hash: Uint8Array }): void {
    const ref = { sn: sequence(checkpoint.sn), id: Buffer.from(checkpoint.id).toString('hex') };
    const boundary =
      collectedTo === undefined ? null : { epoch: 1 as never, point: { sn: sequence(collectedTo.sn), hash: collectedTo.hash } };
    this.retention = { checkpoints: [ref, ...this.retention.checkpoints], boundary };
  }

  /** Flips one bit of the newest, at this part of its length. */
  damageNewest(part: number): void {
    const file = this.files.get(this.retention.checkpoints[0]?.id ?? '');
    if (file === undefined) throw new Error('nothing is published');
    const at = Math.floor(part * (file.length - 1));
    file[at] = (file[at] ?? 0) ^ 0x10;
  }
}
