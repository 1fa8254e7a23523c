import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';
import type { ConnectionOptions } from '@temporalio/client';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type Call = ReturnType<Parameters<Interceptor>[1]>;

/** As gRPC numbers it. */
const CANCELLED = 1;

/**
 * What a connection does with a call that the server did not answer: it asks again. A call that waits for its next attempt when the
 * connection is closed ends as cancelled; by the SDK's own retry it would end the process, for it asks from within a timer.
 */
export const RETRIES: Interceptor[] = [
  makeGrpcRetryInterceptor(defaultGrpcRetryOptions()),
  (options, nextCall) => {
    try {
      return nextCall(options) as ReturnType<Interceptor>;
    } catch {
      return endedCall() as ReturnType<Interceptor>;
    }
  },
];

function endedCall(): Call {
  return {
    start(metadata, listener) {
      listener?.onReceiveStatus?.({ code: CANCELLED, details: 'the connection is closed', metadata });
    },
    sendMessage: () => undefined,
    sendMessageWithContext: () => undefined,
    startRead: () => undefined,
    halfClose: () => undefined,
    cancelWithStatus: () => undefined,
    getPeer: () => '',
    getAuthContext: () => null,
  };
}
