/** Defects of workers, and of what masters know of them and have them do. */
import type { Defect } from './defect.js';

const BYTES = /^W|^P|^liveness: bytes/;
const KNOWN = 'src/master/workers/known-worker.ts';
const KEEP = 'src/master/workers/keep-blocks.ts';

export const WORKER_DEFECTS: readonly Defect[] = [
  {
    name: 'worker: checksums not compared',
    what: 'bytes are given as they are, whatever was written',
    violates: BYTES,
    edits: [
      {
        file: 'src/blocks/chunk-checksums.ts',
        find: '!== crcs[chunk]) return chunk;',
        replace: '!== crcs[chunk] && chunk < 0) return chunk;',
      },
    ],
  },
  {
    name: 'worker: frees whichever copy is newest',
    what: 'a block is looked for without its generation: who gives up an old one gives up the new one',
    violates: BYTES,
    edits: [
      {
        file: 'src/worker/held-blocks.ts',
        find: 'return block?.id.generation === id.generation ? block : undefined;',
        replace: 'return this.#newest.get(keyOf(id)) ?? block;',
      },
    ],
  },
  {
    name: 'master: what a worker had before it was started again',
    what: 'a worker that was started again goes on where its last process was, and nobody holds their digests against each other',
    violates: BYTES,
    edits: [
      { file: KNOWN, find: 'if (!isSame || !this.#isWhole ||', replace: 'if ((!isSame && this.#change < 0) || !this.#isWhole ||' },
      { file: KNOWN, find: ' || this.#change > change) this.#forget();', replace: ') this.#forget();' },
      { file: KNOWN, find: '|| (blocks === this.blocks.count && digest', replace: '|| (blocks >= 0 || digest' },
    ],
  },
  {
    name: 'master: frees what is being written',
    what: 'blocks of a file that is not complete count as blocks of none',
    violates: BYTES,
    edits: [
      {
        file: KEEP,
        find: 'if (!inode.complete) return this.#countLeft(block, inode, worker, copies.workers);',
        replace: 'if (!inode.complete) return void found.ofNoFile.push(id);',
      },
    ],
  },
  {
    name: 'master: copies are not made up for',
    what: 'a block with fewer copies than its file wants stays so',
    violates: BYTES,
    edits: [
      {
        file: KEEP,
        find: 'if (holders[0] !== worker || staying.length >= min) return;',
        replace: 'if (holders[0] !== worker || staying.length >= 0 * min) return;',
      },
    ],
  },
  {
    name: 'master: frees before it is persisted',
    what: 'blocks are given up that mounted storage does not have yet',
    violates: BYTES,
    edits: [
      {
        file: 'src/master/workers/free-service.ts',
        find: 'if (inode.persistence !== PERSISTENCE.persisted) throw',
        replace: 'if (inode.persistence > PERSISTENCE.persisted) throw',
      },
    ],
  },
  {
    name: 'client: written through before it is there',
    what: 'a writer is told that mounted storage has its file when the rename still waits',
    violates: BYTES,
    edits: [
      {
        file: 'src/client/data/await-persisted.ts',
        find: 'if (mount === undefined) return status;',
        replace: 'if (mount === undefined || mount.newest >= 0) return status;',
      },
    ],
  },
  {
    name: 'client: complete before it is sealed',
    what: 'a file is completed while its last block is still being sealed',
    violates: BYTES,
    edits: [
      {
        file: 'src/client/data/file-writer.ts',
        find: `      await this.#seal();
      await this.#asking;`,
        replace: `      this.#seal().catch(() => {});
      await this.#asking;`,
      },
    ],
  },
  {
    name: 'state: forgets what the storage has',
    what: 'of a file in mounted storage that is written to, nobody knows any more that its beginning is there',
    violates: BYTES,
    edits: [
      {
        file: 'src/metadata/apply-files.ts',
        find: '  if (had == null) return more;',
        replace: '  if (had == null || same >= 0) return more;',
      },
    ],
  },
];
