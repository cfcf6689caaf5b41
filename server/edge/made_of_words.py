"""The sentences that tell a user what an answer was made of, in English and in Chinese."""
# ruff: noqa: RUF001  # Chinese has its own punctuation

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. What stands in braces is put in by name."""

    authors: str
    may_choose: str
    may_write: str
    may_add_notes: str
    no_notes: str
    instructions: str
    tells_of_you: str
    name: str
    locale: str
    tier: str
    dial: str
    application: str
    example: str
    examples: str
    greeting: str
    notes: str
    demoted: str
    message: str
    messages: str
    clock: str
    piece: str
    pieces: str
    no_room: str
    reminder: str
    comma: str


ENGLISH: Final = Words(
    authors="Its instructions are its author's, under the rules of the house. Nothing that you send changes them.",
    may_choose="{dial}: you may choose {choices}.",
    may_write="{dial}: you may write up to {most} characters.",
    may_add_notes="You may add notes of up to {most} characters.",
    no_notes="It takes no notes.",
    instructions="The instructions of {title}, revision {revision}, which are not shown.",
    tells_of_you="What these may tell of you: {what}.",
    name="your name",
    locale="your language",
    tier="your tier",
    dial="{dial}: {value}.",
    application="Instructions of the application, which are not shown.",
    example="1 example of how it speaks.",
    examples="{count} examples of how it speaks.",
    greeting="The greeting that you were shown.",
    notes="Your notes, quoted as your own words.",
    demoted=" Among them is system text that you sent: only a key of role developer may give instructions.",
    message="1 earlier message of the conversation.",
    messages="{count} earlier messages of the conversation.",
    clock="The date and the time.",
    piece="1 piece of its reference material, for what was said.",
    pieces="{count} pieces of its reference material, for what was said.",
    no_room=" {count} had no room.",
    reminder="A reminder of its author's, after your message.",
    comma=", ",
)

CHINESE: Final = Words(
    authors="它的指令由作者撰写，并受本站规则约束。您发送的任何内容都不会改变这些指令。",
    may_choose="{dial}（您可以选择）：{choices}。",
    may_write="{dial}：您最多可以写 {most} 个字符。",
    may_add_notes="您可以附上最多 {most} 个字符的备注。",
    no_notes="它不接受备注。",
    instructions="“{title}”第 {revision} 版的指令，内容不予显示。",
    tells_of_you="其中可能提到您的{what}。",
    name="名字",
    locale="语言",
    tier="套餐",
    dial="{dial}：{value}。",
    application="应用程序给出的指令，内容不予显示。",
    example="1 个说话方式的示例。",
    examples="{count} 个说话方式的示例。",
    greeting="向您显示过的开场白。",
    notes="您的备注，作为您自己的话引用。",
    demoted="其中包括您发送的系统文本：只有 developer 角色的密钥才能下达指令。",
    message="对话中较早的 1 条消息。",
    messages="对话中较早的 {count} 条消息。",
    clock="日期和时间。",
    piece="1 段与所说内容有关的参考资料。",
    pieces="{count} 段与所说内容有关的参考资料。",
    no_room="另有 {count} 项因篇幅所限未放入。",
    reminder="在您的消息之后，作者的一条提醒。",
    comma="、",
)
