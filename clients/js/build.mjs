// Copies the client from the API's pages, which serve it as it stands: there is one source.
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";

const source = new URL("../../api/static/", import.meta.url);
const dist = new URL("dist/", import.meta.url);

rmSync(dist, { recursive: true, force: true });
mkdirSync(new URL("client/", dist), { recursive: true });
for (const name of ["roadmap-client.js", "roadmap-client.d.ts"]) {
  cpSync(new URL(name, source), new URL(name, dist));
}
for (const name of readdirSync(new URL("client/", source))) {
  cpSync(new URL(`client/${name}`, source), new URL(`client/${name}`, dist));
}
