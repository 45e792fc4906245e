/** Defects of the journal on an object store. */
import type { Defect } from './defect.js';

const storage = 'bucket';
const SLOT_LOG = 'src/journal/slot-log.ts';
const WRITER = 'src/journal/object-writer.ts';
const COLLECTOR = 'src/journal/object-collector.ts';

export const BUCKET_DEFECTS: readonly Defect[] = [
  {
    name: 'bucket: put without condition',
    what: 'a batch is put over whatever stands in its slot',
    violates: /^I1|^I2/,
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
    violates: /^I1|^I2/,
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
    name: 'bucket: slot skipped after a time-out',
    what: 'a leader that does not know the outcome of a slot goes on with the next one',
    violates: /^I|^liveness|^watch/,
    edits: [
      { file: WRITER, find: 'const slot = before.slot + 1;\n    const object', replace: 'let slot = before.slot + 1;\n    const object' },
      {
        file: WRITER,
        find: 'await this.#create(slot, object, putId);\n',
        replace: `await this.#create(slot, object, putId).catch((error) => {
        if (!isError(error, 'outcome_unknown')) throw error;
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
    name: 'bucket: no look behind',
    what: 'a confirm does not look whether a later leader stands in the next slot',
    violates: /^I|^history|^liveness/,
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
    name: 'bucket: confirm rides on what is under way',
    what: 'a confirm counts the append that was sent before it was asked for',
    violates: /^I|^history|^liveness/,
    edits: [
      {
        file: 'src/journal/confirm-turns.ts',
        find: 'this.#gathering = undefined;\n    this.#isAppending = true;',
        replace: 'this.#isAppending = true;',
      },
      {
        file: 'src/journal/confirm-turns.ts',
        find: "if (landing === 'held') riders?.resolve();",
        replace:
          "if (landing === 'held') {\n        (riders ?? this.#gathering)?.resolve();\n        this.#gathering = undefined;\n      }",
      },
    ],
    storage,
  },
  {
    name: 'bucket: claims collected',
    what: 'collection deletes claims as it does batches: a fenced leader finds its next slot free',
    violates: /^I|^liveness|^watch/,
    edits: [{ file: COLLECTOR, find: 'isBatch: !object.isClaim }', replace: 'isBatch: true }' }],
    storage,
  },
  {
    name: 'bucket: claim in a collected slot',
    what: 'who has claimed does not read the boundary again: its slot may have been collected',
    violates: /^I|^liveness|^watch/,
    edits: [{ file: 'src/journal/object-claim.ts', find: '        await checkBoundary(parts, claim.place, signal);\n', replace: '' }],
    storage,
  },
  {
    name: 'bucket: ghosts believed',
    what: 'a reader does not read the boundary again before it believes what it read',
    violates: /^I|^liveness|^watch/,
    edits: [{ file: 'src/journal/slot-reader.ts', find: 'if (objects.length > 0) await this.#checkBoundary(first);', replace: '' }],
    storage,
  },
  {
    name: 'bucket: boundary after the deletes',
    what: 'the boundary is made only when what lies below it has been deleted',
    violates: /^I|^liveness|^watch/,
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
