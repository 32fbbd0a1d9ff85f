#!/bin/sh
# autogen-agentchat 0.2.40, `ChatResult.chat_history` of a chat that the user's proxy began. Guess: the question has the
# role user and the answer the role assistant. Instead it is the other way round, because the history is that of the
# agent that began. So an importer that believes the roles shows the customer's words as the bot's.
# Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check autogen-agentchat==0.2.40
cat >"$home/expected" <<'END'
user_proxy as assistant: When do you open?
shop as user: At nine.
END
"$home/bin/python" - >"$home/seen" 2>/dev/null <<'END'
from autogen import ConversableAgent, UserProxyAgent

shop = ConversableAgent("shop", llm_config=False, human_input_mode="NEVER", default_auto_reply="At nine.")
user = UserProxyAgent("user_proxy", human_input_mode="NEVER", code_execution_config=False)
result = user.initiate_chat(shop, message="When do you open?", max_turns=1, silent=True)
for message in result.chat_history:
    print(f"{message['name']} as {message['role']}: {message['content']}")
END
diff "$home/expected" "$home/seen" && echo "as described"
