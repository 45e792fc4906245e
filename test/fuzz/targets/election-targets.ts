/** What stands in ZooKeeper and in the embedded election's terms, and what ZooKeeper's servers say. */
import assert from 'node:assert/strict';
import { decodeHolder, encodeHolder, isSound, sealPage, TERM_PAGE_BYTES } from '../../../src/election/term-store.js';
import { decodeLeader, electionNodes, encodeLeader } from '../../../src/election/zookeeper-nodes.js';
import { parseServers } from '../../../src/election/zookeeper-servers.js';
import { FrameCutter, FrameReader, FrameWriter } from '../../../src/election/zookeeper-wire.js';
import { goldenBytes, goldenFile } from '../golden-bytes.js';
import { assertSameBytes, type Target } from '../target.js';

export const electionTargets: readonly Target[] = [
  {
    name: 'leader-node',
    refusals: [],
    words: ['{', '}', '[', '"epoch":', '"rpcAddress":', '1e400', '-1', 'null', '"__proto__"'],
    seeds: () => [goldenFile('leader-2.txt'), Buffer.from(encodeLeader({ rpcAddress: 'a:1', webAddress: 'b:2', epoch: 7 as never }, 'c'))],
    run(input) {
      const leader = decodeLeader(input);
      if (leader === undefined) return;
      assert(Number.isSafeInteger(leader.epoch) && leader.epoch >= 1, `a leader of no epoch was accepted: epoch=${leader.epoch}`);
      assert.deepEqual(decodeLeader(Buffer.from(encodeLeader(leader, 'c'))), leader);
    },
  },
  {
    name: 'election-nodes',
    refusals: [],
    words: ['_c_', '-lock-', '0000000001', '01234567-89ab-4def-8123-456789abcdef', '\n'],
    seeds: () => [
      Buffer.from('_c_01234567-89ab-4def-8123-456789abcdef-lock-0000000003\n_c_01234567-89ab-4def-8123-456789abcdee-lock-0000000001'),
    ],
    run(input) {
      const sequences = electionNodes(input.toString().split('\n')).map(({ sequence }) => sequence);
      assert.deepEqual(
        sequences,
        sequences.toSorted((a, b) => a - b),
      );
    },
  },
  {
    name: 'zookeeper-servers',
    refusals: ['invalid_argument'],
    words: [',', ':2181', '/', '//', '/..', '[::1]', ' '],
    seeds: () => [Buffer.from('h1:2181,h2:2181/chroot'), Buffer.from('[::1]:2181'), Buffer.from('h')],
    run(input) {
      const { servers, chroot } = parseServers(input.toString());
      assert(servers.length > 0 && (chroot === '' || (chroot.startsWith('/') && !chroot.endsWith('/'))));
      assert.deepEqual(parseServers(servers.join(',') + chroot), { servers, chroot }, 'servers read otherwise once they are written');
    },
  },
  {
    name: 'zookeeper-frames',
    refusals: ['corrupt'],
    seeds: () => [
      Buffer.concat([
        new FrameWriter().int(1).long(2n).int(0).int(2).text('a').text('b').finish(),
        new FrameWriter().int(-2).long(3n).int(0).finish(),
      ]),
    ],
    run(input) {
      const whole = new FrameCutter().push(input);
      const cutter = new FrameCutter();
      const pieces: Buffer[] = [];
      for (let at = 0; at < input.length; at += 1_000) pieces.push(...cutter.push(input.subarray(at, at + 1_000)));
      assertSameBytes(Buffer.concat(pieces), Buffer.concat(whole), 'the same frames in pieces');
      for (const body of whole) readReply(new FrameReader(body));
    },
  },
  {
    name: 'term-page',
    refusals: [],
    seeds: () => [goldenBytes('term-1.hex').subarray(0, TERM_PAGE_BYTES)],
    run(input) {
      const page = decodeHolder(input);
      if (page === undefined) return;
      const again = Buffer.alloc(TERM_PAGE_BYTES);
      encodeHolder(again, page);
      assertSameBytes(again, input.subarray(0, TERM_PAGE_BYTES), 'term page');
    },
  },
  {
    name: 'term-page-sealed-anew',
    refusals: [],
    seeds: () => [goldenBytes('term-1.hex').subarray(0, TERM_PAGE_BYTES)],
    run(input) {
      const page = Buffer.alloc(TERM_PAGE_BYTES);
      input.copy(page);
      const magic = page.toString('latin1', 0, 4);
      sealPage(page, magic, () => undefined);
      decodeHolder(page);
      isSound(page, 'USNX');
    },
  },
];

/** A frame that ends too soon is a RangeError, which ends the connection (zookeeper-connection.ts). */
function readReply(reply: FrameReader): void {
  try {
    reply.int();
    reply.long();
    if (reply.int() === 0) reply.texts();
    else reply.owner();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}
