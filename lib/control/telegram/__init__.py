"""A chat with the person who owns the bots, over Telegram's Bot API. docs/telegram.md is its page.

| module | hides |
|---|---|
| `wire` | the library and the Bot API: calls, troubles, updates |
| `chat` | how the parts fit together |
| `outbox`, `keeper` | what waits to be told, on disk |
| `notices` | which news are told |
| `mail` | sending it, message after message |
| `listener` | fetching what is said, until it is done |
| `deeds`, `questions` | what acts, and the buttons before it |
| `readings`, `crew` | what only answers |
| `daily` | the result of the day |
"""
