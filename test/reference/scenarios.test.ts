import { readdirSync, readFileSync } from 'node:fs';
import { it } from 'vitest';
import { Both } from './both.js';

const FOLDER = new URL('scenarios/', import.meta.url);

it.each(readdirSync(FOLDER).sort())('scenario %s: the program does what the reference model does', async (file) => {
  const lines = readFileSync(new URL(file, FOLDER), 'utf8').split('\n');
  await Both.run(lines.filter((line) => line !== '' && !line.startsWith('#')));
});
