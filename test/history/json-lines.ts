/** Reads what is written line by line. A last line that was being written when its writer was ended is left out. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** @throws where another line than the last is no JSON. */
export async function* readJsonLines<T>(file: string): AsyncGenerator<T, void, undefined> {
  let torn: string | undefined;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (torn !== undefined) throw new Error(`not JSON: ${torn}`);
    const value = parsed<T>(line);
    if (value === undefined) torn = line;
    else yield value;
  }
}

function parsed<T>(line: string): T | undefined {
  try {
    return JSON.parse(line) as T;
  } catch {
    return undefined;
  }
}
