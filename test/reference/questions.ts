/** Asks the program, and the reference model, the same; in one form. */
import { understudy } from '../../generated/understudy.js';
import { encodeMessage } from '../../src/base/encode-message.js';
import { isError } from '../../src/base/errors.js';
import type { Replica } from '../../src/master/replica.js';
import { placeOf } from '../../src/metadata/cluster-config.js';
import { operations } from '../../src/metadata/operations.js';
import type { ReadContext } from '../../src/metadata/plan.js';
import { shownConfig } from './config.js';
import { shownOfMessage } from './shown.js';

type Queries = Extract<(typeof operations)[keyof typeof operations], { kind: 'query' }>;

/** @returns what the program finds, in the form of the model's (namespace.ts). */
export async function foundBy(
  op: string,
  request: object,
  { state, kv }: Replica,
  context: ReadContext,
): Promise<{ found: unknown } | { refused: string }> {
  try {
    if (op === 'listStatus') return { found: await listed(request, state, kv, context) };
    const operation = operations[op as keyof typeof operations] as Queries;
    const { answer } = operation.prepare(encodeMessage(operation.request, request as never));
    return { found: formOf(op, operation.response.decode(answer(state, kv, context))) };
  } catch (error) {
    if (!isError(error)) throw error;
    return { refused: error.errno ?? error.code };
  }
}

async function listed(request: object, state: Replica['state'], kv: Replica['kv'], context: ReadContext): Promise<unknown> {
  const body = encodeMessage(understudy.ListStatusRequest, { pageEntries: 2, ...request });
  await using pages = operations.listStatus.prepare(body).answer(state, kv, context);
  const found: unknown[] = [];
  for await (const page of pages.pages(() => Promise.resolve())) {
    for (const { name, inode } of understudy.ListStatusPage.decode(page).entries) found.push([name ?? '', shownOfMessage(inode ?? {})]);
  }
  return found;
}

function formOf(op: string, answer: unknown): unknown {
  switch (op) {
    case 'getStatus':
      return shownOfMessage((answer as understudy.GetStatusResponse).inode ?? {});
    case 'exists':
      return (answer as understudy.ExistsResponse).exists;
    case 'getXattrs':
      return (answer as understudy.GetXattrsResponse).xattrs.map(({ name, value }) => [name, Buffer.from(value ?? []).toString()]);
    case 'listCursors':
      return (answer as understudy.ListCursorsResponse).cursors.map(({ name, path, sn }) => [name, path, sn]);
    case 'getConfig': {
      const { places } = answer as understudy.GetConfigResponse;
      return shownConfig(
        new Map(places.map(placeOf).map(({ path, properties }) => [path, new Map(properties.map(({ key, value }) => [key, value]))])),
      );
    }
    case 'contentSummary': {
      const { files, directories, bytes } = answer as understudy.ContentSummaryResponse;
      return { files, directories, bytes: String(BigInt(bytes?.high ?? 0) * 2n ** 32n + BigInt(bytes?.low ?? 0)) };
    }
    case 'getBlockLocations':
      return (answer as understudy.GetBlockLocationsResponse).blocks.map(({ inodeId, index, offset, length }) => [
        inodeId,
        index,
        offset,
        length,
      ]);
    default:
      return null;
  }
}
