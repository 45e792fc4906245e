/** Defects of the journal on a shared file system. */
import type { Defect } from './defect.js';

const storage = 'folder';
const CLAIM = 'src/journal/directory-claim.ts';
const WRITER = 'src/journal/directory-writer.ts';
const LEDGER = 'src/journal/ledger.ts';
const SEGMENT = 'src/journal/segment-file.ts';
const RETENTION = 'src/journal/directory-retention.ts';
const FENCING =
  '    for (let earlier = number - 1; earlier >= Math.max(committed, 1); earlier--) await this.#ledger.writeFence(earlier);\n';

export const FOLDER_DEFECTS: readonly Defect[] = [
  {
    name: 'folder: fence not read',
    what: 'a leader acknowledges what it wrote without looking at its fence',
    violates: /^I[1-3]\b/,
    edits: [
      {
        file: WRITER,
        find: '      await this.#checkFence();\n      const { aborted, reason }',
        replace: '      const { aborted, reason }',
      },
    ],
    storage,
  },
  {
    name: 'folder: acknowledged before the sync',
    what: 'a batch is acknowledged when it is written, not when it is durable',
    violates: /^I[12]\b/,
    edits: [
      { file: WRITER, find: '    if (this.#context.direct) await this.#segment.dataSync();\n', replace: '' },
      {
        file: WRITER,
        find: '.open(start.segmentPath, { write: true, durableWrites: !context.direct });',
        replace: '.open(start.segmentPath, { write: true });',
      },
      {
        file: WRITER,
        find: '.open(next.path, { write: true, durableWrites: !this.#context.direct });',
        replace: '.open(next.path, { write: true });',
      },
    ],
    storage,
  },
  {
    name: 'folder: only the epoch before fenced',
    what: 'a claimant fences the epoch before its own, which may be one that never led, and not the leader’s below it',
    violates: /^I/,
    edits: [{ file: CLAIM, find: FENCING, replace: '    if (number > 1) await this.#ledger.writeFence(number - 1);\n' }],
    storage,
    elsewhere: { file: 'test/journal/directory-journal.test.ts', test: 'claim: dies after "taken", the next one takes over' },
  },
  {
    name: 'folder: log read before the fences',
    what: 'a claimant reads the log first and fences the leader then: what was acknowledged between is lost',
    violates: /^I[1-3]\b/,
    edits: [
      { file: CLAIM, find: FENCING, replace: '' },
      { file: CLAIM, find: "    await this.#step('read', number);\n", replace: `    await this.#step('read', number);\n${FENCING}` },
    ],
    storage,
  },
  {
    name: 'folder: suffix dropped',
    what: 'a claimant builds on what is marked, and drops the batches behind it',
    violates: /^I[12]\b/,
    edits: [
      {
        file: CLAIM,
        find: 'await readHeadLog(await this.#pastCache(), found, this.#request.from) };',
        replace: 'withoutSuffix(await readHeadLog(await this.#pastCache(), found, this.#request.from)) };',
      },
      {
        file: CLAIM,
        find: 'function emptyLog(): HeadLog {',
        replace:
          'function withoutSuffix(log: HeadLog): HeadLog {\n  return { ...log, suffix: [], end: log.base };\n}\n\nfunction emptyLog(): HeadLog {',
      },
    ],
    storage,
  },
  {
    name: 'folder: slot before its copies',
    what: 'a claimant’s slot is written before the batches that it copied are durable',
    violates: /^I/,
    edits: [{ file: SEGMENT, find: '    await file.sync();\n', replace: '' }],
    storage,
    elsewhere: {
      file: 'test/journal/directory-trouble.test.ts',
      test: 'next segment: a sync of it or of its folder fails, ends the writer with outcome_unknown',
    },
  },
  {
    name: 'folder: name not durable',
    what: 'a new segment’s contents are made durable, and its name is not',
    violates: /^I[12]\b/,
    edits: [{ file: SEGMENT, find: '    await context.deps.files.syncFolder(logFolder(folder));\n', replace: '' }],
    storage,
  },
  {
    name: 'folder: slot not durable',
    what: 'a claimant goes on when its slot is written, not when it is durable',
    violates: /^I[12]\b/,
    edits: [
      {
        file: LEDGER,
        find: 'return this.#write(encodeSlot(slot), slot.epoch, SLOT_PAGE);',
        replace: 'return this.#put(encodeSlot(slot), slot.epoch, SLOT_PAGE);',
      },
    ],
    storage,
  },
  {
    name: 'folder: one mark page',
    what: 'each mark is written over the one before: where it is torn, there is none',
    violates: /^I/,
    edits: [{ file: LEDGER, find: 'MARK_PAGES[mark.counter % 2 === 0 ? 0 : 1]);', replace: 'MARK_PAGES[0]);' }],
    storage,
    elsewhere: {
      file: 'test/journal/directory-damage.test.ts',
      test: 'marks: the newest one torn, what a leader had made known before is known still',
    },
  },
  {
    name: 'folder: read through a cache',
    what: 'a log that other machines write is read as this machine’s cache has it',
    violates: /^I[127]\b/,
    edits: [
      {
        file: SEGMENT,
        find: 'files.open(at, { direct: context.direct });',
        replace: 'files.open(at);',
      },
      {
        file: SEGMENT,
        find: 'files.open(segmentPath(context.settings.folder, epoch, segment), { direct: context.direct });',
        replace: 'files.open(segmentPath(context.settings.folder, epoch, segment));',
      },
    ],
    storage,
  },
  {
    name: 'folder: synced again',
    what: 'a batch whose sync failed is synced again, and that is believed',
    violates: /^I[12]\b/,
    edits: [
      {
        file: WRITER,
        find: 'if (this.#context.direct) await this.#segment.dataSync();',
        replace: 'if (this.#context.direct) await this.#segment.dataSync().catch(() => this.#segment.dataSync());',
      },
    ],
    storage,
  },
  {
    name: 'folder: followed past the mark',
    what: 'a standby applies what it can read, committed or not',
    violates: /^I6\b/,
    edits: [
      {
        file: 'src/journal/directory-follower.ts',
        find: 'next !== undefined && endOf(next.batch).sn <= committedSn; next',
        replace: 'next !== undefined && endOf(next.batch).sn > 0; next',
      },
    ],
    storage,
  },
  {
    name: 'folder: mark of another epoch',
    what: 'what the header of a copied batch says of its own epoch’s commits is believed of the epoch that copied it',
    violates: /^I/,
    edits: [
      {
        file: 'src/journal/epoch-chain.ts',
        find: 'return stored.batch.epoch === slot.epoch && stored.batch.firstSn > claimSn(slot);',
        replace: 'return stored.batch.firstSn > 0 && slot.epoch > 0;',
      },
    ],
    storage,
    elsewhere: {
      file: 'test/journal/directory-damage.test.ts',
      test: 'damage: in copies below a slot that was never durable, whoever is past it goes on after a power cut too',
    },
  },
  {
    name: 'folder: marked before the commit',
    what: 'a batch’s header says that the batch itself is committed',
    violates: /^I6\b/,
    edits: [
      {
        file: WRITER,
        find: 'committedSn: this.#place.point.sn, timeMs };',
        replace: 'committedSn: this.#place.point.sn + entries.length, timeMs };',
      },
    ],
    storage,
  },
  {
    name: 'folder: a segment too many',
    what: 'collection deletes the segment in which what is kept begins',
    violates: /^I7\b|^liveness|^watch/,
    edits: [{ file: RETENTION, find: 'segment < (start?.segment ?? 0)),', replace: 'segment <= (start?.segment ?? 0)),' }],
    storage,
  },
  {
    name: 'folder: an epoch too many',
    what: 'collection deletes the log of the epoch in which what is kept begins',
    violates: /^I7\b|^liveness|^watch/,
    edits: [{ file: RETENTION, find: 'epoch < lowestEpoch ||', replace: 'epoch <= lowestEpoch - (epoch === tip.slot.epoch ? 1 : 0) ||' }],
    storage,
  },
];
