/** Failures whose message and stack go through the codec. Loaded by path: by clients, by workers, and into the bundle. */
const { DefaultFailureConverter } = require('@temporalio/common');

exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
