"""People and their sessions."""

import json

import pytest
from argon2 import PasswordHasher

from fallbacks.access.api_keys import ApiKeys, Scope
from fallbacks.access.roles import Role
from fallbacks.access.sessions import IDLE_SECONDS, SESSION_SECONDS, TRIES_PER_CLIENT, TRIES_PER_NAME, Sessions
from fallbacks.access.users import Users
from fallbacks.errors import SignInThrottled, UnknownUser, UserExists
from tests.fallbacks.access.signing_in import sign_in
from tests.fallbacks.conftest import Play
from tests.fallbacks.scene import Scene

PASSWORD = "correct horse battery"


def quick(scene: Scene) -> Users:
    return Users(scene.store, PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


def test_a_person_signs_in_is_known_again_and_signs_out(play_for_real: Play) -> None:
    async def story(scene: Scene) -> None:
        users = quick(scene)
        sessions = Sessions(scene.store, users)
        await users.create("ann", PASSWORD, Role.ADMIN)
        assert await sign_in(sessions, "ann", "wrong password", "c") is None
        assert await sign_in(sessions, "nobody", PASSWORD, "c") is None
        token = await sign_in(sessions, " Ann", PASSWORD, "c")
        assert token is not None
        session = await sessions.of(token)
        assert session is not None
        assert (session.user.name, session.user.role) == ("ann", Role.ADMIN)
        await sessions.keep(session, "flash", "x")
        again = await sessions.of(token)
        assert again is not None
        assert again.notes["flash"] == "x"
        await sessions.sign_out(session)
        await sessions.keep(session, "flash", "too late")
        assert await sessions.of(token) is None
        assert await sessions.of("guess") is None

    play_for_real(story)


def test_a_session_ends_with_its_time_and_with_its_person(play_for_real: Play) -> None:
    async def story(scene: Scene) -> None:
        users = quick(scene)
        sessions = Sessions(scene.store, users)
        await users.create("ann", PASSWORD, Role.REVIEWER)
        token = await sign_in(sessions, "ann", PASSWORD, "c") or ""
        session = await sessions.of(token)
        assert session is not None
        name, mine = (f"{scene.store.prefix}{key}" for key in (f"session:{session.digest}", "sessions:ann"))
        redis = scene.store.redis
        assert 0 < await redis.pttl(name) <= IDLE_SECONDS * 1000
        await redis.pexpire(name, 60_000)
        await sessions.used(session)
        assert await redis.pttl(name) > IDLE_SECONDS * 1000 - 60_000
        await redis.pexpire(name, 60_000)
        await sessions.used(session)
        assert await redis.pttl(name) <= 60_000, "written down once a minute"
        await redis.zincrby(mine, -SESSION_SECONDS * 1000 + 30_000, session.digest)
        await Sessions(scene.store, users).used(session)
        assert 0 < await redis.pttl(name) <= 30_000, "no use makes it longer than a day's work"
        await users.remove("ann")
        assert await sessions.of(token) is None

    play_for_real(story)


def test_names_are_unique_and_passwords_are_kept_as_argon2id(play_for_real: Play) -> None:
    async def story(scene: Scene) -> None:
        users = Users(scene.store)  # the real cost
        await users.create("ann", PASSWORD, Role.REVIEWER)
        with pytest.raises(UserExists):
            await users.create("ann", "another password", Role.ADMIN)
        with pytest.raises(ValueError, match="a name is"):
            await users.create("Ann Other", PASSWORD, Role.REVIEWER)
        with pytest.raises(ValueError, match="10 to 200"):
            await users.create("bob", "short", Role.REVIEWER)
        with pytest.raises(UnknownUser):
            await users.remove("bob")
        stored = (await scene.store.fields("users"))["ann"]
        assert "$argon2id$v=19$m=65536" in stored
        assert PASSWORD not in stored
        await users.change("ann", role=Role.OPERATOR, password="a new long password")
        assert await users.verified("ann", PASSWORD) is None
        assert await users.verified("ann", "x" * 100_000) is None
        changed = await users.verified("ann", "a new long password")
        assert changed is not None
        assert changed.role is Role.OPERATOR
        assert [user.name for user in await users.everybody()] == ["ann"]

    play_for_real(story)


def test_a_new_password_ends_every_session_and_a_new_role_ends_none(play_for_real: Play) -> None:
    async def story(scene: Scene) -> None:
        users = quick(scene)
        sessions = Sessions(scene.store, users)
        await users.create("ann", PASSWORD, Role.REVIEWER)
        tokens = [await sign_in(sessions, "ann", PASSWORD, "c") or "" for _ in range(2)]
        await users.change("ann", role=Role.OPERATOR)
        kept = await sessions.of(tokens[0])
        assert kept is not None
        assert kept.user.role is Role.OPERATOR
        await users.change("ann", password="another horse battery")
        assert [await sessions.of(token) for token in tokens] == [None, None]
        assert await sessions.of(await sign_in(sessions, "ann", "another horse battery", "c") or "") is not None

    play_for_real(story)


def test_a_person_made_again_revives_no_session(play_for_real: Play) -> None:
    async def story(scene: Scene) -> None:
        users = quick(scene)
        sessions = Sessions(scene.store, users)
        await users.create("ann", PASSWORD, Role.REVIEWER)
        token = await sign_in(sessions, "ann", PASSWORD, "c") or ""
        await users.remove("ann")
        await users.create("ann", PASSWORD, Role.ADMIN)
        assert await sessions.of(token) is None

    play_for_real(story)


def test_who_was_stored_before_generations_keeps_their_session_until_a_new_password(play_for_real: Play) -> None:
    async def story(scene: Scene) -> None:
        users = quick(scene)
        sessions = Sessions(scene.store, users)
        await users.create("ann", PASSWORD, Role.REVIEWER)
        stored = json.loads((await scene.store.fields("users"))["ann"])
        del stored["generation"]
        await scene.store.put("users", {"ann": json.dumps(stored)})
        token = await sign_in(sessions, "ann", PASSWORD, "c") or ""
        assert await sessions.of(token) is not None
        await users.change("ann", password="another horse battery")
        assert await sessions.of(token) is None

    play_for_real(story)


@pytest.mark.parametrize("name", ["agent", "local", "intake", "prober", "environment", "system", "claude-haiku-5-5"])
def test_names_of_the_machine_are_nobodys(play_for_real: Play, name: str) -> None:
    async def story(scene: Scene) -> None:
        tiers = ["local", "claude-haiku-5-5"]
        with pytest.raises(ValueError, match="machine's own"):
            await Users(scene.store, tiers=tiers).create(name, PASSWORD, Role.REVIEWER)
        with pytest.raises(ValueError, match="machine's own"):
            await ApiKeys(scene.store, tiers=tiers).create(name.title(), [Scope.WRITE])

    play_for_real(story)


def test_tries_are_counted_by_name_and_address_so_that_strangers_keep_nobody_out(play_for_real: Play) -> None:
    async def story(scene: Scene) -> None:
        users = quick(scene)
        sessions = Sessions(scene.store, users)
        await users.create("ann", PASSWORD, Role.REVIEWER)
        for _ in range(TRIES_PER_NAME):
            assert await sign_in(sessions, "ann", "wrong password", "stranger") is None
        with pytest.raises(SignInThrottled):
            await sign_in(sessions, "ann", PASSWORD, "stranger")
        assert await sign_in(sessions, "ann", PASSWORD, "office") is not None

    play_for_real(story)


def test_one_address_has_so_many_tries_whatever_the_name(play_for_real: Play) -> None:
    async def story(scene: Scene) -> None:
        sessions = Sessions(scene.store, quick(scene))
        for number in range(TRIES_PER_CLIENT):
            assert await sign_in(sessions, f"name-{number}", "wrong password", "stranger") is None
        with pytest.raises(SignInThrottled):
            await sign_in(sessions, "yet-another", "wrong password", "stranger")

    play_for_real(story)


def test_roles_cover_lesser_ones() -> None:
    assert Role.ADMIN.covers(Role.OPERATOR)
    assert Role.OPERATOR.covers(Role.OPERATOR)
    assert not Role.REVIEWER.covers(Role.OPERATOR)
