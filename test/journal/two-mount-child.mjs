// The journal in SETTINGS (JSON), claimed with the compiled sources in SOURCES each time the parent says so, then appended to as fast as it goes
// until it is fenced or told to stop. Says what was acknowledged last, how much, and in what time.
const [, , sources, settings] = process.argv;
const { DirectoryJournal } = await import(`${sources}/journal/directory-journal.js`);
const { GENESIS } = await import(`${sources}/journal/journal.js`);
const { systemClock } = await import(`${sources}/base/system-clock.js`);
const { systemFiles } = await import(`${sources}/base/system-file.js`);
const { systemRandom } = await import(`${sources}/base/system-random.js`);
const log = { debug() {}, info() {}, warn() {}, error() {} };
const journal = await DirectoryJournal.open(JSON.parse(settings), { files: systemFiles, clock: systemClock, random: systemRandom, log });
let from = GENESIS;
let isStopped = false;

async function round() {
  isStopped = false;
  const deliver = ({ firstSn, entries, hash }) => {
    from = { sn: firstSn + entries.length - 1, hash };
  };
  const writer = await journal.claim({ from, entry: () => ({ bytes: Buffer.from('claim of the writer'), timeMs: 1 }), deliver });
  process.send({ event: 'started' });
  const record = Buffer.alloc(512);
  const started = performance.now();
  let count = 0;
  let death;
  while (!isStopped && death === undefined) {
    try {
      await writer.append([record], 1);
      count += 1;
    } catch (error) {
      death = error.code;
    }
  }
  const { sn, hash } = writer.end;
  process.send({ event: 'ended', sn, hash: Buffer.from(hash).toString('hex'), death, count, ms: performance.now() - started });
  await writer.close();
}

process.on('message', (message) => {
  if (message === 'stop') isStopped = true;
  else round().catch((error) => process.send({ event: 'failed', error: String(error) }));
});
process.on('disconnect', () => process.exit());
process.send({ event: 'ready' });
