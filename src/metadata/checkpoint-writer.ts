/**
 * Turns rows into a checkpoint's bytes, piece by piece, and counts their digest on the way. The end block, without which the file counts for
 * nothing, is made only when the rows are what they have to be.
 */
import { createHash } from 'node:crypto';
import { UnderstudyError } from '../base/errors.js';
import type { KvRows } from '../kv/kv-store.js';
import { CHECKPOINT_VERSION, type CheckpointHead, encodeBlock, encodeEnd, encodeHead, RowBlock } from './checkpoint-format.js';
import { DigestSum, digestText, sameDigest } from './digest.js';

/**
 * @param rows in key order, in chunks. `rest` is called after each: nothing here waits, and others want their turn.
 * @returns the file in pieces of up to about 256 KiB, each the receiver's.
 * @throws `corrupt`: the rows' digest is not that of `head`. The end is never yielded then.
 */
export async function* encodeCheckpoint(
  head: CheckpointHead,
  rows: AsyncIterable<KvRows>,
  rest: (rows: number) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const sha = createHash('sha256');
  const sum = new DigestSum();
  const block = new RowBlock();
  let count = 0;
  const sealed = (bytes: Uint8Array) => {
    sha.update(bytes);
    return bytes;
  };
  yield sealed(encodeBlock('head', encodeHead(head), CHECKPOINT_VERSION));
  for await (const chunk of rows) {
    for (const [key, value] of chunk) {
      sum.add(key, value);
      block.add(key, value);
      if (block.isFull) yield sealed(block.take());
    }
    count += chunk.length;
    await rest(count);
  }
  if (block.rows > 0) yield sealed(block.take());
  const found = sum.value();
  if (!sameDigest(found, head.digest)) {
    throw new UnderstudyError(
      'corrupt',
      `the metastore's rows do not add up: sn=${head.sn} digest=${digestText(head.digest)} found=${digestText(found)}`,
    );
  }
  yield encodeBlock('end', encodeEnd({ rows: count, sha256: sha.digest() }), 0);
}
