"""What every store answers to ids that nothing has, whatever stands in them."""

import pytest

from server.adapters.answers_sql import SqlAnswers
from server.adapters.client_secrets_sql import SqlClientSecrets
from server.adapters.conversations_sql import SqlConversations
from server.adapters.ids_system import SystemIds
from server.adapters.keeping_sql import SqlKeeping
from server.adapters.turns_sql import SqlTurns
from server.core.ports_conversations import Change
from tests.contracts.conftest import Store


@pytest.mark.parametrize("unknown", ["\0", "resp_\0", "conv_none", "", "\u2400", "x" * 5000])
async def test_nothing_has_an_id_that_cannot_be(store: Store, unknown: str) -> None:
    """It is as any that is not there, not even where the database's text cannot hold it."""
    conversations, turns, answers = SqlConversations(store.base), SqlTurns(store.base), SqlAnswers(store.base)
    secrets = SqlClientSecrets(store.base, ids=SystemIds(), new_secret=lambda: "ek_x")
    assert await conversations.conversation(unknown, "user_1") is None
    assert (await conversations.list("user_1", after=unknown, limit=3)).items == []
    assert await conversations.path(unknown, "user_1") == []
    assert await conversations.messages([unknown], "user_1") == []
    assert await conversations.standings([unknown], 0) == {}
    assert not await conversations.delete(unknown, "user_1")
    assert not await SqlKeeping(store.base).change(unknown, "user_1", Change(archived=True), 1)
    assert await turns.turn(unknown, "user_1") is None
    assert await turns.by_request("user_1", unknown) is None
    page = await answers.completions("user_1", after=unknown, limit=2, newest_first=True, model=None, marks={})
    assert page.items == []
    assert not await answers.delete(unknown, "user_1")
    assert await secrets.of("user_1", 1, user=unknown, after=unknown, limit=3) == []
    assert not await secrets.revoke(unknown, "user_1", 1)
