// The code that stands in the documents compiles.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const PACKAGE = fileURLToPath(new URL("../../", import.meta.url));
/** What the README's code takes as given. */
const PRELUDE = `
import { Client, Driver, Manager, success } from "@open-ug/conveyor";
interface Person { greetings: string[] }
`;

/** The TypeScript code of a document. */
function code(path: string): string[] {
  const text = readFileSync(join(PACKAGE, path), "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1]!);
}

/** What the compiler says to files that stand beside the sources. */
function compiled(sources: string[]): string[][] {
  const config = ts.readConfigFile(join(PACKAGE, "tsconfig.json"), ts.sys.readFile).config;
  const options = {
    ...ts.parseJsonConfigFileContent(config, ts.sys, PACKAGE).options,
    noUnusedLocals: false,
  };
  const host = ts.createCompilerHost(options);
  const files = new Map(sources.map((source, number) => [join(PACKAGE, "test", `code${number}.ts`), source]));
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.getSourceFile = (path, language, ...rest) => {
    const source = files.get(path);
    return source === undefined
      ? getSourceFile.call(host, path, language, ...rest)
      : ts.createSourceFile(path, source, language, true);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].map((path) => {
    const file = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  });
}

test("the code of the README and of the page on porting compiles", () => {
  const readme = code("README.md");
  const porting = code("../../docs/porting-a-driver.md");
  assert.deepEqual([readme.length, porting.length], [2, 1]);
  const broken = porting[0]!.replace("success: true", 'success: "true"');
  const [first, second, third] = compiled([PRELUDE + readme.join(""), porting[0]!, broken]);
  assert.deepEqual([first, second], [[], []]);
  assert.match(third![0]!, /is not assignable/);
});
