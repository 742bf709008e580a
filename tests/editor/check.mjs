// What an editor says of files, by yaml-language-server over stdio. tests/editor.rs runs it; by hand:
//   npm ci --prefix DIR (with the package.json beside this), then: node tests/editor/check.mjs DIR SCHEMA=FILE…
// Prints `file:line:column message`; exit 1 if there is any, 2 if the server ended before it had spoken of every file.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, ...pairs] = process.argv.slice(2);
const server = spawn("node", [`${folder}/node_modules/yaml-language-server/bin/yaml-language-server`, "--stdio"]);
const url = (file) => pathToFileURL(resolve(file)).href;
const waiting = new Map();
const schemas = {};
let input = Buffer.alloc(0);
let found = 0;

for (const pair of pairs) {
  const [schema, file] = pair.split("=");
  waiting.set(url(file), file);
  (schemas[url(schema)] ??= []).push(resolve(file));
}
const settings = { validate: true, schemaStore: { enable: false }, schemas };

function send(message) {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function open(uri, file) {
  const text = readFileSync(file, "utf8");
  send({ method: "textDocument/didOpen", params: { textDocument: { uri, languageId: "yaml", version: 1, text } } });
}

function take(message) {
  if (message.id === 1) {
    send({ method: "initialized", params: {} });
    send({ method: "workspace/didChangeConfiguration", params: { settings: { yaml: settings } } });
    for (const [uri, file] of waiting) open(uri, file);
  } else if (message.method === "workspace/configuration") {
    send({ id: message.id, result: message.params.items.map((item) => (item.section === "yaml" ? settings : {})) });
  } else if (message.method === "textDocument/publishDiagnostics" && waiting.has(message.params.uri)) {
    const file = waiting.get(message.params.uri);
    waiting.delete(message.params.uri);
    for (const { range, message: text } of message.params.diagnostics) {
      found += 1;
      console.log(`${file}:${range.start.line + 1}:${range.start.character + 1} ${text.replaceAll("\n", " ")}`);
    }
    if (waiting.size === 0) server.kill();
  } else if (message.id !== undefined && message.method) {
    send({ id: message.id, result: null });
  }
}

server.stdout.on("data", (chunk) => {
  input = Buffer.concat([input, chunk]);
  for (;;) {
    const head = input.indexOf("\r\n\r\n");
    const length = head < 0 ? NaN : Number(/Content-Length: (\d+)/i.exec(input.subarray(0, head))?.[1]);
    if (!(input.length >= head + 4 + length)) return;
    const message = JSON.parse(input.subarray(head + 4, head + 4 + length));
    input = input.subarray(head + 4 + length);
    take(message);
  }
});
server.stderr.pipe(process.stderr);
server.on("exit", () => process.exit(waiting.size > 0 ? 2 : found > 0 ? 1 : 0));
send({ id: 1, method: "initialize", params: { processId: null, rootUri: null, capabilities: { workspace: { configuration: true } } } });
