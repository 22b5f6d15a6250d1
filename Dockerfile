# Builds the image of Millrace from this checkout: docker build -t millrace .
# It serves the five systems; mount your own modules and name them: docker run … -v ./pipelines:/pipelines millrace serve /pipelines/visits.ts

FROM node:26-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json build.ts ./
COPY src src
COPY systems systems
COPY page page
RUN npm run page && npm run build

# The runtime dependencies, including the clients of all databases and brokers.
FROM node:26-slim AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
RUN node -e "const m = require('./package.json'); for (const name of Object.keys(m.peerDependencies)) m.dependencies[name] = m.devDependencies[name]; delete m.devDependencies; delete m.peerDependencies; fs.writeFileSync('package.json', JSON.stringify(m))" \
  && npm install --ignore-scripts --no-audit --no-fund

FROM node:26-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATABASE_URL=sqlite:/data/millrace.db
WORKDIR /app
COPY --from=dependencies /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY --from=build /build/page/dist page/dist
COPY bin bin
COPY package.json LICENSE ./
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node.js itself is PID 1, so that it receives signals; a stop takes up to SHUTDOWN_TIMEOUT (10 s).
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/bin/millrace.js"]
# An address that others can reach requires tokens (MILLRACE_TOKENS), unless ACCESS=open.
CMD ["serve"]
