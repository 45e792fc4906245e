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
    name: 'bucket: claims collected',
    what: 'collection deletes claims as it does batches: a fenced leader finds its next slot free',
    violates: /^I|^liveness|^watch/,
    edits: [{ file: COLLECTOR, find: 'isBatch: !object.isClaim }', replace: 'isBatch: true }' }],
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
