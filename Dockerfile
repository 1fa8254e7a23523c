# syntax=docker/dockerfile:1
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
# The system's certificates: TLS to Temporal is verified against them. The newest are wanted, whatever their version.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
# Writable for any user, as the container may run as the one who owns the data. Processors find millrace, and zod for their
# parameters, from wherever they are mounted.
RUN install --directory --mode=1777 /data /var/lib/millrace \
  && ln --symbolic /app/bin/millrace.cjs /usr/local/bin/millrace \
  && mkdir /node_modules \
  && ln --symbolic /app /node_modules/millrace \
  && ln --symbolic /app/node_modules/zod /node_modules/zod
COPY --from=build /app /app
# Without a fixed threshold glibc keeps what threads had for long records.
ENV NODE_ENV=production \
    MALLOC_MMAP_THRESHOLD_=1048576 \
    MILLRACE_HOME=/var/lib/millrace \
    MILLRACE_ROOTS=/data
# By its number: Kubernetes must know without looking that it is not root.
USER 1000
WORKDIR /data
ENTRYPOINT ["millrace"]
CMD ["--help"]
