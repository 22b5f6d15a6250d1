/** Returns the Dockerfile of a new project. Node.js is PID 1, so that signals reach it, and the user has access only to its data. */
export function dockerfile(ending: string): string {
  return `FROM node:26-slim
ENV NODE_ENV=production HOST=0.0.0.0
WORKDIR /app
COPY package*.json ./
RUN npm install --omit=dev
COPY src ./src
RUN mkdir data && chown node:node data
USER node
VOLUME /app/data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \\
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# An address that others reach asks for tokens: MILLRACE_TOKENS has them, and ACCESS=open does without.
CMD ["node", "node_modules/millrace/bin/millrace.js", "serve", "./src/visits.${ending}"]
`;
}

export const dockerignore = 'node_modules\ndata\n.git\n.env\n';
