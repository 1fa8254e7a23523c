import type * as Sdk from '@aws-sdk/client-s3';
import { bodyAgents } from '../body.js';

export interface S3 {
  sdk: typeof Sdk;
  client: Sdk.S3Client;
}

const CONNECT_MS = 5_000;
/** Nothing came for so long. */
const QUIET_MS = 30_000;
/** Of one request, with growing pauses: 500, 503 and broken connections are daily bread. */
const TRIES = 5;

const opened = new Map<string, Promise<S3>>();

/**
 * The client of a profile of the AWS configuration, one a thread. Region, endpoint and credentials come from where every AWS
 * tool has them (`AWS_REGION`, `AWS_ENDPOINT_URL_S3`, `AWS_ACCESS_KEY_ID`, profiles, roles): none of them is in a spec.
 * @param profile default: what the environment says
 */
export function s3Client(profile: string | undefined): Promise<S3> {
  const known = opened.get(profile ?? '');
  if (known) return known;
  const made = open(profile);
  opened.set(profile ?? '', made);
  return made;
}

async function open(profile: string | undefined): Promise<S3> {
  // The SDK warns of Node versions to come, at length and in every thread.
  // eslint-disable-next-line no-restricted-syntax -- written for the SDK, and nothing is read
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  // Loaded late: it takes a fifth of a second, and most jobs never need it.
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client({
    ...(profile !== undefined && { profile, ...(await endpointOf(profile)) }),
    // Every S3-like knows paths; host names of buckets need a DNS of their own.
    forcePathStyle: true,
    maxAttempts: TRIES,
    // Others than AWS refuse checksums that they do not know, or answer none.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: QUIET_MS,
      httpAgent: bodyAgents.http,
      httpsAgent: bodyAgents.https,
    },
  });
  return { sdk, client };
}

/** The SDK takes region and credentials of a profile that is named to it, and forgets its endpoint. */
async function endpointOf(profile: string): Promise<{ endpoint?: string }> {
  const { loadSharedConfigFiles } = await import('@smithy/core/config');
  const { configFile } = await loadSharedConfigFiles();
  const section = configFile[profile] ?? {};
  const endpoint = configFile[`services.${section.services}`]?.['s3.endpoint_url'] ?? section.endpoint_url;
  return endpoint === undefined ? {} : { endpoint };
}
