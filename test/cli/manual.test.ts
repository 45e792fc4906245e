import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { manual } from '../../src/cli/completion/manual.js';
import { CommandContext } from '../../src/cli/context.js';
import { program } from '../../src/cli/program.js';
import { ROOT } from '../servers/built.js';

test('manual: docs/cli.md, as the commands tell it', async () => {
  const file = path.join(ROOT, 'docs', 'cli.md');
  const made = manual(await program(new CommandContext()));
  if (process.env.WRITE_GOLDEN !== undefined) writeFileSync(file, made);
  expect(made, 'docs/cli.md is not in step with the commands: npm run golden').toBe(readFileSync(file, 'utf8'));
});
