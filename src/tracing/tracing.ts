/** Traces by OpenTelemetry, from the request to the attempts of its job. Loaded only where they are exported. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, RandomIdGenerator } from '@opentelemetry/sdk-trace-node';

/** Spans that a stop has not sent by then are lost: an exporter that is away must not hold a worker. */
const FLUSH_MS = 3000;

/** In it, a span without a parent gets this trace id. */
const traceId = new AsyncLocalStorage<string>();

/** Spans begun in `run` that have no parent all belong to trace `id`. */
export function inTrace<Result>(id: string, run: () => Result): Result {
  return traceId.run(id, run);
}

/**
 * Makes this process export its spans. Where to, with which headers and how many of them is said by the variables of
 * OpenTelemetry (`OTEL_EXPORTER_OTLP_*`, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_*`, `OTEL_RESOURCE_ATTRIBUTES`), which its SDK reads.
 * @param service the `service.name`, where `OTEL_SERVICE_NAME` names no other
 * @returns sends what is left, for 3 s at most
 */
export function startTracing(service: string, version: string): { stop(): Promise<void> } {
  const random = new RandomIdGenerator();
  const own = resourceFromAttributes({ 'service.name': service, 'service.version': version });
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
    idGenerator: {
      generateTraceId: () => traceId.getStore() ?? random.generateTraceId(),
      generateSpanId: () => random.generateSpanId(),
    },
  });
  provider.register();
  return {
    async stop() {
      let patience: NodeJS.Timeout | undefined;
      const waited = new Promise((resolve) => (patience = setTimeout(resolve, FLUSH_MS)));
      await Promise.race([provider.shutdown().catch(() => undefined), waited]);
      clearTimeout(patience);
    },
  };
}
