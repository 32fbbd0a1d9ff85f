#!/bin/sh
# @n8n/n8n-nodes-langchain 2.41.1 (npm), an agent that called a tool saves its turn to a chat memory that cannot add
# messages: the answer was expected to be kept as the customer read it. What the tool was given and gave back stands
# before it, as words of the assistant; and where the result has a bracket, two turns that differ are kept as the same
# text, so that nobody can tell what was said. Seen 2026-11-30 on Node 20.20.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
cd "$home"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @langchain/core@1.2.8 >/dev/null
npm pack --silent @n8n/n8n-nodes-langchain@2.41.1 >/dev/null
tar -xzf n8n-n8n-nodes-langchain-2.41.1.tgz
cat >save.cjs <<'END'
const { saveToMemory } = require("./package/dist/utils/agent-execution/memoryManagement.js");

const kept = [];
const memory = { chatHistory: {}, saveContext: async (_asked, said) => kept.push(said.output) };
const step = (observation) => [{ action: { tool: "look_up", toolInput: { order: "A17" } }, observation }];
(async () => {
  await saveToMemory("Where is it?", "It is late.", memory, step("late"));
  await saveToMemory("Where is it?", "says the carrier] It is late.", memory, step("[late"));
  await saveToMemory("Where is it?", "It is late.", memory, step("[late] says the carrier"));
  console.log(kept[0]);
  console.log(kept[1] === kept[2]);
})();
END
node save.cjs >seen
cat >expected <<'END'
[Used tools: Tool: look_up, Input: {"order":"A17"}, Result: late] It is late.
true
END
diff expected seen && echo "as described"
