// Writes a file at the masters in MASTERS: makes it, is handed 64 blocks, tells the length of 3 of them, and a file that was complete before is
// appended to. Then it says so and holds both, renewing nothing, until it is killed.
const [, , root, masters, user] = process.argv;
const { FileSystem } = await import(`${root}/dist/cli/understudy.js`);
const fs = await FileSystem.connect({ masters: masters.split(','), user });
const BLOCK = 1024;
await fs.createFile('/written', { blockBytes: BLOCK });
await fs.addBlocks('/written', 64, { length: 3 * BLOCK });
await fs.createFile('/appended', { blockBytes: BLOCK, completeLength: BLOCK });
await fs.appendFile('/appended');
process.send('writing');
