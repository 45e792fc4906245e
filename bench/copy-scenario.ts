/**
 * A whole journal copied from a folder to S3, and masters that begin with the copy: how long each takes, and that they hold the same.
 */
import { s3Settings, startS3 } from '../test/servers/s3.js';
import type { Scenario } from './scenario.js';

const BUCKET = 'copies';
const MASTERS = 3;

export const copy: Scenario = {
  name: 'copy',
  async run({ full, start }) {
    const { cluster, files } = await full();
    const [digest] = await cluster.digests();
    const entries = await cluster.appliedSn();
    await using server = await startS3({ make: 'versitygw' });
    await server.createBucket(BUCKET);
    const settings = s3Settings(server.endpoint, BUCKET);

    const copyingMs = performance.now();
    await cluster.run(['journal', 'copy', '--from', cluster.journal, '--to', settings['master.journal.folder'] ?? ''], settings);
    const copiedMs = performance.now();
    await using copied = await start({ masters: MASTERS, settings, isFormatted: true });
    const readyMs = performance.now();
    const digests = await copied.cluster.digests();
    if (digests.some((one) => one !== digest)) throw new Error(`masters on the copy differ: ${digests} original=${digest}`);
    const what = `of ${entries} entries`;
    return [
      { name: 'copy-seconds', what: `journal ${what} copied from a folder to S3`, value: (copiedMs - copyingMs) / 1_000, unit: 's', files },
      {
        name: 'copy-start-seconds',
        what: `${MASTERS} empty masters on the copy replay it all and are ready`,
        value: (readyMs - copiedMs) / 1_000,
        unit: 's',
        files,
        note: `digest ${digest} on all ${MASTERS} and on the original`,
      },
    ];
  },
};
