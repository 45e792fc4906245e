// Claims the journal in FOLDER with the compiled sources in SOURCES, appends for ever, and says on stdout what was acknowledged.
const [, , sources, folder, name] = process.argv;
const { DirectoryJournal } = await import(`${sources}/journal/directory-journal.js`);
const { GENESIS } = await import(`${sources}/journal/journal.js`);
const { systemClock } = await import(`${sources}/base/system-clock.js`);
const { systemRandom } = await import(`${sources}/base/system-random.js`);
const log = { debug() {}, info() {}, warn() {}, error() {} };

const settings = { folder, segmentBytes: 256 << 10, batchBytesMax: 32 << 10, freeBytesReserve: 0 };
const journal = await DirectoryJournal.open(settings, { clock: systemClock, random: systemRandom, log });
const entry = () => ({ bytes: Buffer.from(`claim by ${name}`), timeMs: Date.now() });
const writer = await journal.claim({ from: GENESIS, entry, deliver: () => undefined });
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
  process.stdout.write(`${writer.end.sn} ${Buffer.from(writer.end.hash).toString('hex')}\n`);
}
await journal.close();
