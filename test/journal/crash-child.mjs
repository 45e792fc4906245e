// Claims the journal in FOLDER with the compiled sources in SOURCES, appends for ever, and says on stdout what was acknowledged. With `retain`:
// begins at what is published, and makes a checkpoint every few batches and retains it.
const [, , sources, folder, name, mode] = process.argv;
const { DirectoryJournal } = await import(`${sources}/journal/directory-journal.js`);
const { GENESIS } = await import(`${sources}/journal/journal.js`);
const { systemClock } = await import(`${sources}/base/system-clock.js`);
const { systemFiles } = await import(`${sources}/base/system-file.js`);
const { systemRandom } = await import(`${sources}/base/system-random.js`);
const log = { debug() {}, info() {}, warn() {}, error() {} };

const settings = { folder, segmentBytes: 256 << 10, batchBytesMax: 32 << 10, freeBytesReserve: 0 };
const journal = await DirectoryJournal.open(settings, { files: systemFiles, clock: systemClock, random: systemRandom, log });
const entry = () => ({ bytes: Buffer.from(`claim by ${name}`), timeMs: Date.now() });
const published = await journal.checkpoints.published();
const writer = await journal.claim({ from: published.boundary?.point ?? GENESIS, entry, deliver: () => undefined });
let retaining = Promise.resolve();
async function* state(sn) {
  for (let i = 0; i < 2000; i++) yield Buffer.from(`state at ${sn} `);
}
async function retain(epoch, point) {
  const { bytes: _, ...checkpoint } = await journal.checkpoints.write(point.sn, state(point.sn));
  await writer.retain({ checkpoints: [checkpoint], boundary: { epoch, point } });
}
for (let i = 0; ; i++) {
  const texts = Array.from({ length: 1 + (i % 4) }, (_, k) => `${name}-${i}-${k}`.padEnd(20 + ((i * 97) % 3000), '.'));
  try {
    await writer.append(
      texts.map((text) => Buffer.from(text)),
      Date.now(),
    );
  } catch (error) {
    process.stdout.write(`dead ${error.code}\n`);
    break;
  }
  if (mode === 'retain' && i % 8 === 0) {
    await retaining;
    retaining = retain(writer.epoch, { sn: writer.end.sn, hash: Uint8Array.from(writer.end.hash) });
  }
  process.stdout.write(`${writer.end.sn} ${Buffer.from(writer.end.hash).toString('hex')}\n`);
}
await journal.close();
