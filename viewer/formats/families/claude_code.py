"""Claude Code: sessions as it keeps them, one line for each block of an answer, and what it streams with `stream-json`.

Facts from @anthropic-ai/claude-agent-sdk 0.3.332 and from lines of the versions 1.0.55 to 2.1.207. A line names the one
before it in `parentUuid`; a prompt that was edited has the same one as before. The work of subagents is a conversation
of its own: it stands in files of its own, or between the others as `isSidechain`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, note
from viewer.formats.family import Family, list_at, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER, EVENT
from viewer.formats.ids import id_within
from viewer.formats.message_lists import each_session, first_of, lines_left

from .anthropic import read_messages

_NAME = "claude-code"
_SPOKEN = ("user", "assistant")
_SESSIONS = ("sessionId", "session_id")
_PARENTS = ("parentUuid", "logicalParentUuid")  # the other where the history before it was summarised
_AGENTS = ("agentId", "parent_tool_use_id")
_OWN = ("attachment", "auth_status", "conversation_reset", "keep_alive", "prompt_suggestion", "active_goal")
# Lines about a session which have no id of their own; `queue-operation` has what was typed while it worked.
_ABOUT = (
    "summary", "ai-title", "custom-title", "last-prompt", "queue-operation", "permission-mode", "mode", "agent-name",
    "agent-setting", "pr-link", "tag", "result", "stream_event", "rate_limit_event", "tool_progress", "control_request",
    "tool_use_summary", "progress", "attribution-snapshot", "worktree-state", "content-replacement", "continued-in",
    "started", "bridge-session", "session-kind", "marble-origami-commit", "fork-context-ref", "relocated",
)  # fmt: skip
_TITLES = (("custom-title", "customTitle"), ("ai-title", "aiTitle"), ("summary", "summary"))
_TAGGED = re.compile(r"\A\s*<([a-z][a-z_-]*)>(.*)</\1>\s*\Z", re.S)
_NOT_TYPED = re.compile(
    r"\A\s*(?:<(?:local-command-(?:stdout|stderr|caveat)|bash-std(?:out|err)|task-notification|system-reminder|"
    r"ide_[a-z_]+|teammate-message)\b|\[Request interrupted by user)"
)
_COMMAND = re.compile(r"<command-name>((?:(?!</?command-name>).)*+)</command-name>", re.S)
_ARGUMENTS = re.compile(r"<command-args>((?:(?!</?command-args>).)*+)</command-args>", re.S)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_QUIET = ("init", "turn_duration", "stop_hook_summary", "status", "task_started", "task_progress", "hook_started")


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(kind := value.get("type"), str):
        return False
    if kind in _SPOKEN:
        is_of_messages = "content" in object_at(value, "message")  # of Google’s in sessions of Qwen Code
        return is_of_messages and ("parentUuid" in value or "parent_tool_use_id" in value)
    if kind in ("summary", "file-history-snapshot", "file-history-delta"):
        return "leafUuid" in value or "messageId" in value
    if first_of(value, _SESSIONS) is None:
        return False
    if kind == "system":  # as logs of other programs have it, too
        return "uuid" in value and not {"subtype", "parentUuid"}.isdisjoint(value)
    return kind in _OWN or kind in _ABOUT or {"uuid", "parentUuid"} <= value.keys()


def _begun(line: Document) -> str:
    """Return the session that begins with a line, the first of all or that of a stream; empty if none does."""
    value = line.value
    is_first = value.get("type") in _SPOKEN and value.get("parentUuid", "") is None and not value.get("isSidechain")
    return as_text(first_of(value, _SESSIONS)) if is_first or value.get("subtype") == "init" else ""


def _join(lines: list[Document]) -> Iterator[Conversation]:
    threads = dict[str, list[Document]]()
    for line, thread in zip(lines, _threads_of(lines), strict=True):
        threads.setdefault(thread, []).append(line)
    found = [one for thread, own in threads.items() if (one := _conversation(thread, own)) is not None]
    if not found:
        raise NothingSaid
    yield from found


def _threads_of(lines: list[Document]) -> Iterator[str]:
    """Yield for each line the subagent that it is of; empty for the session itself.

    A subagent that has no id, before 2.0, goes by that of its first line.
    """
    roots = dict[str, str]()
    for line in lines:
        value = line.value
        if not (value.get("isSidechain") or value.get("parent_tool_use_id")):
            yield ""
            continue
        own, before = as_text(value.get("uuid")), as_text(value.get("parentUuid"))
        thread = as_text(first_of(value, _AGENTS)) or roots.get(before, own)
        roots[own] = thread
        yield thread


# --- One thread: which lines are of it, and in which order -----------------------------------------------------------


@dataclass
class _Thread:
    """The lines that have ids, in the order of the file, and of each the one before it."""

    nodes: dict[str, Document] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)

    def add(self, line: Document) -> None:
        """Take a line. Where the one before it is not in the file, it follows the last."""
        own = as_text(line.value.get("uuid"))
        if own not in self.nodes:
            before = (as_text(line.value.get(name)) for name in _PARENTS)
            last = next(reversed(self.nodes), "")
            self.parents[own] = next((each for each in before if each in self.nodes), last)
        self.nodes[own] = line

    def shown(self) -> set[str]:
        """Return the ids of what led to the last line, with all blocks of its answers and all results of their tools.

        Calls that ran at the same time fork a session as an edited prompt does, but nobody chose between them.
        """
        spoken = [name for name, line in self.nodes.items() if line.value.get("type") in _SPOKEN]
        path, name = set[str](), spoken[-1] if spoken else ""
        while name and name not in path:
            path.add(name)
            name = self.parents[name]
        answers = {_answer_of(self.nodes[name].value) for name in path} - {""}
        path |= {name for name, line in self.nodes.items() if _answer_of(line.value) in answers}
        calls = {call for name in path for call in _calls(self.nodes[name].value)}
        path |= {name for name, line in self.nodes.items() if calls & set(_results(line.value))}
        for name, line in self.nodes.items():  # such as warnings, which stand beside the way
            before = self.parents[name]
            if line.value.get("type") not in _SPOKEN and (not before or before in path):
                path.add(name)
        return path

    def forks(self, shown: set[str]) -> dict[str, int]:
        """Return how many branches were left behind a line, by the id of that line."""
        left = Counter(self.parents[name] for name in self.nodes if name not in shown)
        return {name: count for name, count in left.items() if name in shown or not name}


def _answer_of(value: dict[str, Any]) -> str:
    return as_text(object_at(value, "message").get("id")) if value.get("type") == "assistant" else ""


def _calls(value: dict[str, Any]) -> Iterator[str]:
    yield from (as_text(block.get("id")) for block in objects_at(value, "message", "content") if block.get("name"))


def _results(value: dict[str, Any]) -> Iterator[str]:
    blocks = objects_at(value, "message", "content") if value.get("type") == "user" else []
    yield from (as_text(block["tool_use_id"]) for block in blocks if block.get("tool_use_id"))


# --- A conversation --------------------------------------------------------------------------------------------------


def _conversation(agent: str, lines: list[Document]) -> Conversation | None:
    """Read the lines of a session, or of one of its subagents; None if nothing was said in them."""
    thread = _Thread()
    for line in lines:
        if line.value.get("uuid"):
            thread.add(line)
    shown = thread.shown()
    forks, steered = thread.forks(shown), {as_text(_prompt(node.value)) for node in thread.nodes.values()}
    messages, read, waiting = list[DraftMessage](), set[int](), forks.pop("", 0)
    for group in _groups(lines, shown, steered):
        first = group[0].value
        drafts = _messages(group)
        waiting += forks.pop(thread.parents.get(as_text(first.get("uuid")), ""), 0)
        if drafts and waiting:
            drafts[0].notes.append(note("other-branches", count=waiting))
            waiting = 0
        if drafts:
            read.update(map(id, group))
        messages += drafts
    if not any(message.role in ("user", "assistant") for message in messages):
        return None
    left = waiting + sum(forks.values())
    messages[-1].notes += [note("other-branches", count=left)] if left else []
    draft = _draft(agent, [line.value for line in lines], messages)
    draft.source = lines_left(line for line in lines if id(line) not in read)
    return draft.finish_at(lines[0].place, *(line.text for line in lines))


def _draft(agent: str, values: list[dict[str, Any]], messages: list[DraftMessage]) -> Draft:
    sessions = [as_text(first_of(value, _SESSIONS)) for value in values]
    session = next(filter(None, reversed(sessions)), "")
    models = (as_text(object_at(value, "message").get("model")) for value in reversed(values))
    about = {name: value[name] for value in values for name in ("cwd", "gitBranch", "version") if value.get(name)}
    draft = Draft(
        _NAME,
        id=id_within(_NAME, f"{session}-{agent}" if agent else session),
        created=next((message.created for message in messages if message.created), None),
        model=next((model for model in models if model and model != "<synthetic>"), ""),
        metadata={"title": _title(values), **about},
        messages=messages,
    )
    if agent:
        draft.metadata |= {"agent": agent, "session": session}
    elif not any(message.role == CUSTOMER for message in messages):
        draft.notes.append(note("lost-input"))  # a stream has the prompt only when it was asked for
    last = next((object_at(value, "message") for value in reversed(values) if "message" in value), {})
    draft.finish_reason = last["stop_reason"] if isinstance(last.get("stop_reason"), str) else None
    return draft


def _title(values: list[dict[str, Any]]) -> str:
    """Return the title. Summaries at the beginning of a file may be of other sessions: their leaf is not in it."""
    known = {value.get("uuid") for value in values}
    own = [value for value in values if value.get("type") != "summary" or value.get("leafUuid") in known]
    found = (value.get(name) for kind, name in _TITLES for value in reversed(own) if value.get("type") == kind)
    return as_text(next(filter(None, found), ""))


def _groups(lines: list[Document], shown: set[str], steered: set[str]) -> Iterator[list[Document]]:
    """Yield the lines that are shown, those with blocks of the same answer together, where the first of them stands."""
    answers = dict[str, list[Document]]()
    groups = list[list[Document]]()
    for line in lines:
        own, answer = as_text(line.value.get("uuid")), _answer_of(line.value)
        if own and own not in shown:
            continue
        if line.value.get("operation") == "remove" and as_text(_prompt(line.value)) in steered:
            continue  # since 2.1 it is there as an attachment too
        if answer and answer in answers:
            answers[answer].append(line)
            continue
        groups.append([line])
        if answer:
            answers[answer] = groups[-1]
    yield from groups


def _messages(group: list[Document]) -> list[DraftMessage]:
    line = group[0]
    value, kind = line.value, line.value.get("type")
    drafts = list[DraftMessage]()
    if kind == "assistant":
        drafts = [_answer(group)]
    elif kind == "user":
        drafts = list(_asked(line))
    elif prompt := _prompt(value):
        drafts = _of_message(CUSTOMER, json.dumps(prompt, ensure_ascii=False), line)
    elif said := _event(value):
        drafts = [DraftMessage(EVENT, said, name=as_text(value.get("subtype")))]
    if drafts:
        drafts[-1].id = value.get("uuid")
        drafts[-1].source = line.text if len(group) == 1 else f"[{','.join(each.text for each in group)}]"
    for draft in drafts:
        draft.created = value.get("timestamp")
    return drafts


def _of_message(role: str, content: str, line: Document) -> list[DraftMessage]:
    text = to_object([("role", f'"{role}"'), ("content", content)])
    return read_messages([Document(text, line.place, line.find)])


def _answer(group: list[Document]) -> DraftMessage:
    """Put an answer together, of which each block has a line."""
    contents = [content for line in group if (content := line.at("message", "content")) is not None]
    blocks = [block.text for content in contents for block in content.items()]
    plain = next((content.text for content in contents if isinstance(content.value, str)), "null")
    found = _of_message("assistant", f"[{','.join(dict.fromkeys(blocks))}]" if blocks else plain, group[0])
    draft = found[-1] if found else DraftMessage("assistant")
    last = group[-1].value
    if last.get("isApiErrorMessage") or isinstance(last.get("error"), str):
        draft.more["error"] = as_text(_text_of(draft) or last.get("error"))
        draft.content = None
    elif object_at(last, "message").get("stop_reason") in ("refusal", "max_tokens"):
        draft.more["stop_reason"] = object_at(last, "message")["stop_reason"]
    return draft


def _text_of(draft: DraftMessage) -> str:
    parts = draft.content if isinstance(draft.content, list) else [{"text": draft.content}]
    return "\n".join(as_text(part.get("text")) for part in parts).strip()


def _asked(line: Document) -> Iterator[DraftMessage]:
    """Read a line of the user, which has what was typed, results of tools, and what Claude Code itself put in."""
    content = line.at("message", "content")
    if content is None or isinstance(content.value, str):
        content = Document(json.dumps([{"type": "text", "text": content.value if content else ""}]), line.place)
    for is_put_in, blocks in groupby(content.items(), lambda block: _is_put_in(block.value)):
        if is_put_in:
            yield from (_put_in(as_text(block.value["text"])) for block in blocks)
            continue
        for draft in _of_message(CUSTOMER, f"[{','.join(block.text for block in blocks)}]", line):
            if draft.role == CUSTOMER:
                draft.role, draft.name = _speaker(line.value)
                draft.content = [_as_typed(part) for part in draft.content] if isinstance(draft.content, list) else None
            yield draft


def _is_put_in(block: Any) -> bool:
    return bool(_NOT_TYPED.match(as_text(object_at(block).get("text"))))


def _speaker(value: dict[str, Any]) -> tuple[str, str]:
    """Return who speaks in a line of the user, which is not always a person."""
    if value.get("isCompactSummary"):
        return "system", "summary"
    if value.get("isMeta") or value.get("isSynthetic"):
        return "system", ""
    kind = as_text(object_at(value, "origin").get("kind"))
    return (CUSTOMER, "") if kind in ("", "human") else (EVENT, kind)


def _put_in(text: str) -> DraftMessage:
    """Make an event of what Claude Code reports in the place of the user, such as the output of a command."""
    tagged = _TAGGED.match(text)
    if tagged is None or f"</{tagged[1]}>" in tagged[2]:
        return DraftMessage(EVENT, _COLOURS.sub("", text).strip())
    return DraftMessage(EVENT, _COLOURS.sub("", tagged[2]).strip(), name=tagged[1])


def _as_typed(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part with a command as it was typed."""
    return part | {"text": _command(as_text(part["text"]))} if "text" in part else part


def _command(text: str) -> str:
    command, arguments, tagged = _COMMAND.search(text), _ARGUMENTS.search(text), _TAGGED.match(text)
    if command and text.lstrip().startswith("<command-"):
        return f"{command[1].strip()} {arguments[1].strip() if arguments else ''}".strip()
    return f"! {tagged[2].strip()}" if tagged and tagged[1] == "bash-input" else text


def _prompt(value: dict[str, Any]) -> Any:
    """Return what was typed while Claude Code worked: a text, blocks, or None."""
    held = object_at(value, "attachment")
    if held.get("type") == "queued_command" and held.get("commandMode") != "task-notification":
        return held.get("prompt")
    return value.get("content") if value.get("operation") == "remove" else None


def _event(value: dict[str, Any]) -> str:
    """Say what happened; empty for what is of no interest to readers, and for a result, which repeats the answer."""
    subtype, held = as_text(value.get("subtype")), object_at(value, "attachment")
    if as_text(held.get("type")).endswith("_error"):  # of a hook
        return as_text(object_at(held, "blockingError").get("blockingError") or first_of(held, ("stderr", "content")))
    if value.get("type") == "result":
        return "" if subtype == "success" else as_text(list_at(value, "errors") or subtype)
    if value.get("type") != "system" or subtype in _QUIET:
        return ""
    content = as_text(value.get("content") or (value.get("error") if subtype == "api_error" else None))
    tagged = _TAGGED.match(content)
    return _COLOURS.sub("", tagged[2] if tagged and "<" not in tagged[2] else _command(content))


FAMILY = Family(
    name=_NAME,
    title="Claude Code",
    what=gettext_lazy("A session of Claude Code"),
    seen="lines of 1.0.55 to 2.1.207; @anthropic-ai/claude-agent-sdk 0.3.332",
    keeps="texts, pictures, reasoning, tool calls, results and whether they failed, what was typed meanwhile, errors, "
    "times, the model; subagents as conversations of their own; what stands in files beside a prompt in the JSON",
    loses="the system prompt; the prompt, in what it streams",
    matches=_matches,
    key=lambda document: f"file {document.place.file}",
    join=each_session(_begun, _join),
    is_part=True,
)
