/** Defects of the masters: how they lead, follow, answer and take over. */
import type { Defect } from './defect.js';

const LEADERSHIP = 'src/master/leadership.ts';
const READ_GATE = 'src/master/read-gate.ts';
const MASTER = 'src/master/master.ts';

export const MASTER_DEFECTS: readonly Defect[] = [
  {
    name: 'leader: answers before the commit',
    what: 'a change is answered when its batch is sent, not when it is committed',
    violates: /^I[16]\b|^history/,
    edits: [
      {
        file: LEADERSHIP,
        find: '    replica.writeBehind.atBatchEnd();\n    writer.append(',
        replace: `    replica.writeBehind.atBatchEnd();
    for (const unsettled of group.unsettled.splice(0)) unsettled.submission.settle(unsettled.refused, unsettled);
    writer.append(`,
      },
    ],
  },
  {
    name: 'leader: reads without confirm',
    what: 'reads are answered without asking the journal whether there is a later leader',
    violates: /^I6\b|^history/,
    edits: [{ file: READ_GATE, find: 'this.#writer.confirm().then(', replace: 'Promise.resolve().then(' }],
  },
  {
    name: 'leader: joins a confirm in flight',
    what: 'a read is answered by a confirm that began before the read came',
    violates: /^I6\b|^history/,
    edits: [
      {
        file: READ_GATE,
        find: 'this.#gathering.push({ sn, release });',
        replace: '(this.#flying ?? this.#gathering).push({ sn, release });',
      },
    ],
  },
  {
    name: 'leader: reads what is not committed',
    what: 'a read that saw pending changes is answered before they are committed',
    violates: /^I6\b|^history/,
    edits: [
      { file: READ_GATE, find: 'if (one.sn <= this.#committedSn) one.release(null);', replace: 'if (one.sn >= 0) one.release(null);' },
      {
        file: LEADERSHIP,
        find: 'if (entries.length > 0 && readers.length < READERS_MAX) return void readers.push(release);',
        replace: 'if (entries.length < 0) return void readers.push(release);',
      },
    ],
  },
  {
    name: 'leader: refusals without confirm',
    what: 'errors, and answers that change nothing, leave without a confirm and before what they saw is committed',
    violates: /^I6\b|^history/,
    edits: [
      {
        file: LEADERSHIP,
        find: 'this.release((refused) => submission.settle(refused ?? error, refused === null ? answer : NOTHING));',
        replace: 'this.#deps.clock.defer(() => submission.settle(error, answer));',
      },
    ],
  },
  {
    name: 'leader: keeps what was not written',
    what: 'after a failed append the pending changes stay in the state',
    violates: /^I[46]\b/,
    edits: [
      { file: LEADERSHIP, find: '    state.rollBack(this.#committedAt);\n', replace: '' },
      { file: LEADERSHIP, find: '    writeBehind.rollBack(this.#committedAt.sn);\n', replace: '' },
      { file: LEADERSHIP, find: 'const { state, writeBehind } = this.#deps.replica;\n    const lost', replace: 'const lost' },
    ],
  },
  {
    name: 'leader: publishes before it serves',
    what: 'an elected master publishes its address before it has claimed',
    violates: /publish|^liveness/,
    edits: [
      {
        file: 'src/master/role-machine.ts',
        find: "return { role: { name: 'claiming', failures, told }, effects: [{ type: 'claim', failures, told }] };",
        replace:
          "return { role: { name: 'claiming', failures, told }, effects: [{ type: 'claim', failures, told }, { type: 'publish' }] };",
      },
      { file: MASTER, find: '    if (this.#leadership === null) return;\n    const where', replace: '    const where' },
      {
        file: MASTER,
        find: 'epoch: this.#leadership.writer.epoch });',
        replace: 'epoch: this.#leadership?.writer.epoch ?? (((this.#replica?.state.epoch ?? 0) + 1) as JournalWriter["epoch"]) });',
      },
    ],
  },
  {
    name: 'leader: stays published',
    what: 'a superseded leader does not take its address back from the election service',
    violates: /publish|^liveness/,
    edits: [
      {
        file: MASTER,
        find: "await this.#deps.election.withdraw().catch((error) => this.#deps.log.warn({ error }, 'cannot withdraw what was published'));\n",
        replace: '',
      },
    ],
  },
  {
    name: 'leader: feeds what is overwritten',
    what: 'batches for standbys are kept in memory that the next append writes over',
    violates: /^I4\b/,
    edits: [
      {
        file: 'src/master/recent-batches.ts',
        find: 'this.#batches.set(this.#next, { end, item });',
        replace: `this.#batches.set(this.#next, {
      end,
      get item() {
        return understudy.FollowJournalItem.encode({ batch: sealed, committedSn: end.sn, timeMs }).finish();
      },
    });`,
      },
    ],
  },
  {
    name: 'standby: reads older than asked for',
    what: 'a master that has not come so far answers a read of at least that entry all the same',
    violates: /^history/,
    edits: [
      {
        file: 'src/master/namespace-service.ts',
        find: 'applied.wait(freshness.atLeastSn ?? 0, waiter,',
        replace: 'applied.wait(0, waiter,',
      },
    ],
  },
  {
    name: 'standby: stream from the wrong place',
    what: 'a leader feeds a standby from one batch too far on, and the standby does not look at the chain',
    violates: /^I4\b/,
    edits: [
      {
        file: 'src/master/recent-batches.ts',
        find: 'const number = this.#endingBehind(point.sn);\n',
        replace: 'const number = Math.min(this.#endingBehind(point.sn) + 1, this.#next);\n',
      },
      {
        file: 'src/master/recent-batches.ts',
        find: 'return before.sn === point.sn && Buffer.compare(before.hash, point.hash) === 0 ? number : null;',
        replace: 'return before.sn >= point.sn ? number : null;',
      },
    ],
  },
  {
    name: 'checkpoint: wrong entry',
    what: 'a checkpoint says that it ends an entry later than it does',
    violates: /^I4\b/,
    edits: [
      {
        file: 'src/master/make-checkpoint.ts',
        find: 'const head = { clusterId: deps.clusterId, sn, hash,',
        replace: 'const head = { clusterId: deps.clusterId, sn: sequence(sn + 1), hash,',
      },
    ],
  },
  {
    name: 'checkpoint: lost rows',
    what: 'a checkpoint is made of a store that has lost a row, and neither its maker nor its reader counts the digest',
    violates: /^I4\b|^history/,
    edits: [
      {
        file: 'src/metadata/checkpoint-writer.ts',
        find: 'for (const [key, value] of chunk) {',
        replace: 'for (const [key, value] of chunk.slice(0, -1)) {',
      },
      { file: 'src/metadata/checkpoint-writer.ts', find: 'count += chunk.length;', replace: 'count += chunk.slice(0, -1).length;' },
      { file: 'src/metadata/checkpoint-writer.ts', find: 'if (!sameDigest(found, head.digest)) {', replace: 'if (count < 0) {' },
      {
        file: 'src/metadata/checkpoint-reader.ts',
        find: "if (!sameDigest(sum.value(), this.head.digest)) throw damaged('the digest of its rows is wrong');",
        replace: '',
      },
    ],
  },
  {
    name: 'leader: hand-over not undone',
    what: 'a leader whose target does not take the lead goes on holding the calls that came meanwhile',
    violates: /^liveness/,
    elsewhere: {
      file: 'test/master/hand-over.test.ts',
      test: 'a target that refuses when it is told, or dies then: the leader goes on, and who waited is served',
    },
    edits: [{ file: 'src/master/hand-over.ts', find: '    leadership.resume();', replace: '    void leadership;' }],
  },
];
