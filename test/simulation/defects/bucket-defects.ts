/** Defects of the journal on an object store. */
import type { Defect } from './defect.js';

const storage = 'bucket';
const SLOT_LOG = 'src/journal/slot-log.ts';
const WRITER = 'src/journal/object-writer.ts';
const TURNS = 'src/journal/confirm-turns.ts';
const CLAIM = 'src/journal/object-claim.ts';
const READER = 'src/journal/slot-reader.ts';
const COLLECTOR = 'src/journal/object-collector.ts';

export const BUCKET_DEFECTS: readonly Defect[] = [
  {
    name: 'bucket: put without condition',
    what: 'a batch is put over whatever stands in its slot',
    violates: /^I[12]\b/,
    edits: [
      {
        file: SLOT_LOG,
        find: 'await deps.store.create(slotKey(format, slot), bytes);',
        replace: 'await deps.store.put(slotKey(format, slot), bytes);',
      },
    ],
    storage,
  },
  {
    name: 'bucket: taken is success',
    what: 'the answer that a slot is taken (412) counts as success',
    violates: /^I[12]\b/,
    edits: [
      {
        file: SLOT_LOG,
        find: "if (failure === undefined) return 'created';",
        replace: "if (failure === undefined || ['already_exists'].includes(failure.code)) return 'created';",
      },
    ],
    storage,
  },
  {
    name: 'bucket: a slot passed over',
    what: 'a writer that does not learn what became of its PUT takes the next slot',
    violates: /^I[127]\b|^liveness|^watch/,
    edits: [
      { file: WRITER, find: '    const slot = before.slot + 1;\n', replace: '    let slot = before.slot + 1;\n' },
      {
        file: WRITER,
        find: '      await this.#create(slot, object, putId);\n',
        replace: `      await this.#create(slot, object, putId).catch((error: unknown) => {
        if (!isError(error, 'outcome_unknown') || this.#dead.signal.aborted) throw error;
        slot += 1;
        sealEnvelope(object, { slot, isClaim: false, putId });
        return this.#create(slot, object, putId);
      });
`,
      },
    ],
    storage,
  },
  {
    name: 'bucket: confirms ride on what is under way',
    what: 'a confirm is proved by an append whose PUT was sent before it began',
    violates: /^I[36]\b|^history/,
    edits: [
      {
        file: TURNS,
        find: '    const riders = this.#gathering;\n    this.#gathering = undefined;\n    this.#isAppending = true;\n',
        replace: '    this.#isAppending = true;\n',
      },
      {
        file: TURNS,
        find: '      this.#isAppending = false;\n',
        replace: '      const riders = this.#gathering;\n      this.#gathering = undefined;\n      this.#isAppending = false;\n',
      },
    ],
    storage,
  },
  {
    name: 'bucket: claims where the log was collected',
    what: 'a claimant does not read the boundary again: its claim in a collected slot leads',
    violates: /^I|^history|^liveness/,
    edits: [{ file: CLAIM, find: '        await checkBoundary(parts, claim.place, signal);\n', replace: '' }],
    storage,
    elsewhere: {
      file: 'test/journal/object-journal.test.ts',
      test: 'lands in a slot that was collected meanwhile: gives up, and no reader believes it',
    },
  },
  {
    name: 'bucket: reads where the log was collected',
    what: 'a reader believes what it finds without reading the boundary again: a claim that landed in a collected slot',
    violates: /^I|^history|^liveness/,
    edits: [{ file: READER, find: '    if (objects.length > 0) await this.#checkBoundary(first);\n', replace: '' }],
    storage,
    elsewhere: {
      file: 'test/journal/object-journal.test.ts',
      test: 'lands in a slot that was collected meanwhile: gives up, and no reader believes it',
    },
  },
  {
    name: 'bucket: no look behind',
    what: 'a confirm does not look whether a later leader stands in the next slot',
    violates: /^I[36]\b|^history/,
    edits: [
      {
        file: WRITER,
        find: 'if (there === undefined) {\n',
        replace: 'if (there === undefined || this.epoch > 0) {\n      return;\n',
      },
    ],
    storage,
  },
  {
    name: 'bucket: claims collected',
    what: 'collection deletes claims as it does batches: a fenced leader finds its next slot free',
    violates: /^I[1-3]\b/,
    edits: [{ file: COLLECTOR, find: 'isBatch: !object.isClaim }', replace: 'isBatch: true }' }],
    storage,
  },
  {
    name: 'bucket: boundary after the deletes',
    what: 'the boundary is made only when what lies below it has been deleted',
    violates: /^I7\b|^liveness|^watch/,
    edits: [
      { file: COLLECTOR, find: '    await boundaries.make(slot, sn, retention);\n', replace: '' },
      {
        file: COLLECTOR,
        find: '    await this.#collectLog(slot, epoch);\n',
        replace: '    await this.#collectLog(slot, epoch);\n    await boundaries.make(slot, sn, retention);\n',
      },
    ],
    storage,
  },
];
