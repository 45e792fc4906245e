/**
 * Asks masters how they are: which of them leads, and how far each has come.
 */

import type { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import { asError, type UnderstudyError } from '../base/errors.js';
import { operations } from '../metadata/operations.js';
import type { CallBudget } from './call-budget.js';
import type { Connections } from './connections.js';

export interface MasterAnswer {
  /** As it was asked at. */
  readonly address: string;
  readonly status?: understudy.MasterStatusResponse;
  /** Why there is no status. */
  readonly error?: UnderstudyError;
}

/** Resolves with what the master at `address` says, or with why it does not, by the end of `budget`. */
export async function askMaster(connections: Connections, address: string, budget: CallBudget): Promise<MasterAnswer> {
  const signal = budget.waitSignal;
  try {
    const connection = await connections.open(address, signal);
    const { method, request, response } = operations.masterStatus;
    const body = await connection.call(method, encodeMessage(request, {}), { timeoutMs: budget.remainingMs, signal });
    return { address, status: response.decode(body) };
  } catch (error) {
    return { address, error: asError(error, 'unavailable', `no answer address=${address}`) };
  }
}
