/** Defects of the state machine, and of how its rows reach the store. */
import type { Defect } from './defect.js';

const WRITE_BEHIND = 'src/metadata/write-behind.ts';
const APPLY = 'src/metadata/apply.ts';
const APPLY_TREE = 'src/metadata/apply-tree.ts';

export const METADATA_DEFECTS: readonly Defect[] = [
  {
    name: 'retry: not recognised',
    what: 'the outcome of a call is kept, and not looked for when the call is sent again: it runs twice',
    violates: /^history/,
    edits: [
      {
        file: 'src/metadata/sessions.ts',
        find: 'if (recorded !== null && callId >= session.lowestUnanswered) return recorded;',
        replace: 'if (recorded === undefined) return recorded;',
      },
    ],
  },
  {
    name: 'retry: record lost on a standby',
    what: 'a standby does not keep the outcomes of calls: the next leader runs a retried one again',
    violates: /^I4\b|^history/,
    edits: [
      {
        file: 'src/master/replica.ts',
        find: 'for (const entry of entries) apply(entry, this.state);',
        replace: 'for (const entry of entries) apply(entry.createFile ? { ...entry, clientId: 0 } : entry, this.state);',
      },
    ],
  },
  {
    name: 'state: quota not charged',
    what: 'what is made does not count against the quotas of names above it',
    violates: /^history/,
    edits: [{ file: 'src/metadata/quota.ts', find: 'const used = usage.files + usage.directories;', replace: 'const used = 0;' }],
  },
  {
    name: 'state: client ids given twice',
    what: 'a client that registers gets the number of another',
    violates: /^I4\b|^history/,
    edits: [{ file: APPLY, find: 'clientId: clientId + 1, clients', replace: 'clientId: clientId + (clientId % 2), clients' }],
  },
  {
    name: 'state: clock read in apply',
    what: 'a row holds the time at which this master applied its entry, not the entry’s',
    violates: /^I4\b/,
    edits: [{ file: APPLY, find: 'lastUsedMs: state.timeMs,', replace: 'lastUsedMs: Math.floor(performance.now()),' }],
  },
  {
    name: 'state: rename keeps the old name',
    what: 'a file that was renamed over another directory’s stands under both names',
    violates: /^I4\b|^history/,
    edits: [
      {
        file: APPLY_TREE,
        find: '  state.putChild(from.parentId, from.name, null, inode);\n',
        replace: '  if (from.parentId === to.parentId) state.putChild(from.parentId, from.name, null, inode);\n',
      },
    ],
  },
  {
    name: 'state: usage not taken back',
    what: 'what was charged for changes that are taken back stays charged',
    violates: /^I4\b|^history/,
    edits: [
      {
        file: 'src/metadata/state.ts',
        find: 'this.#undo?.push({ restore: () => this.#charge(directoryId, lessUsage(NO_USAGE, more)) });',
        replace: '',
      },
    ],
  },
  {
    name: 'write-behind: before the commit',
    what: 'rows reach the store before the batch that they end on is committed',
    violates: /^I6\b/,
    edits: [
      {
        file: WRITE_BEHIND,
        find: 'const hash = sn === this.#lastCommitted.sn ? this.#lastCommitted.hash : null;',
        replace: 'const { hash } = this.#lastCommitted;',
      },
    ],
  },
  {
    name: 'write-behind: amid a batch',
    what: 'a flush ends in the middle of a batch, and is marked with the batch before it',
    violates: /^I[46]\b/,
    edits: [
      { file: WRITE_BEHIND, find: 'if (this.#deps.state.sn === this.#endSn && !this.full', replace: 'if (!this.full' },
      {
        file: WRITE_BEHIND,
        find: 'const hash = sn === this.#lastCommitted.sn ? this.#lastCommitted.hash : null;',
        replace: 'const hash = sn === this.#endSn && sn !== this.#lastCommitted.sn ? null : this.#lastCommitted.hash;',
      },
    ],
  },
  {
    name: 'write-behind: mark before its rows',
    what: 'the store’s mark is written before the rows that it speaks of',
    violates: /^I4\b|^history/,
    edits: [
      {
        file: WRITE_BEHIND,
        find: '    const slices = this.#slices(generation, sum);\n',
        replace:
          '    const slices: KvOperation[][] = [];\n    for await (const slice of this.#slices(generation, sum)) slices.push(slice);\n    await kv.write(markRows({ ...generation.at, flush: mark.flush + 1, hash, digest: sum.value() }, identity));\n',
      },
    ],
  },
  {
    name: 'write-behind: a row forgotten',
    what: 'a row that is deleted stays in the store',
    violates: /^I4\b|^history/,
    edits: [
      { file: WRITE_BEHIND, find: "if (after === null) slice.push({ type: 'del', key });", replace: 'if (after === null) continue;' },
    ],
  },
];
