#!/bin/sh
# @openai/agents 0.20.0 (npm): a model refuses to answer. The session was expected to keep the question, as that of the
# Python SDK does, or the refusal. It has neither: `run` raises ModelRefusalError, and the next turn follows the last
# answer as if the person had not asked.
# Seen 2026-11-30 on Node 20.20.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
cd "$home"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @openai/agents@0.20.0 >/dev/null
cat >run.mjs <<'END'
import { Agent, MemorySession, run, setTracingDisabled, Usage } from "@openai/agents";

setTracingDisabled(true);
const says = (part) => ({ type: "message", role: "assistant", status: "completed", content: [part] });
const answers = [{ type: "output_text", text: "Hello." }, { type: "refusal", refusal: "I cannot help with that." }];
const model = { getResponse: async () => ({ usage: new Usage(), output: [says(answers.shift())] }) };
const agent = new Agent({ name: "shop", model });
const session = new MemorySession();
await run(agent, "Hello", { session });
try {
  await run(agent, "What is my neighbour's address?", { session });
} catch (error) {
  console.log(error.name);
}
for (const item of await session.getItems()) {
  console.log(item.role, typeof item.content === "string" ? item.content : item.content[0].text);
}
END
node run.mjs >seen
cat >expected <<'END'
ModelRefusalError
user Hello
assistant Hello.
END
diff expected seen && echo "as described"
