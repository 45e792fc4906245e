/** Where a journal is, as it is said on a command line. */
import path from 'node:path';
import { InvalidArgumentError } from 'commander';
import { asError } from '../base/errors.js';
import { journalLocation } from '../config/value-type.js';

/** As the setting has it: what is read here is where masters will look. A relative folder is one of the working directory. */
export function parseLocation(text: string): string {
  try {
    return journalLocation.parse(/^[a-z][a-z0-9+.-]*:/i.test(text) ? text : path.resolve(text));
  } catch (error) {
    throw new InvalidArgumentError(asError(error).message);
  }
}
