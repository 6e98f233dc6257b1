"""People and their sessions."""

import pytest
from argon2 import PasswordHasher

from fallbacks.access.roles import Role
from fallbacks.access.sessions import TRIES_PER_NAME, Sessions
from fallbacks.access.users import Users
from fallbacks.errors import SignInThrottled, UnknownUser, UserExists
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
        assert await sessions.sign_in("ann", "wrong password", "c") is None
        assert await sessions.sign_in("nobody", PASSWORD, "c") is None
        token = await sessions.sign_in(" Ann", PASSWORD, "c")
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
        token = await sessions.sign_in("ann", PASSWORD, "c") or ""
        session = await sessions.of(token)
        assert session is not None
        left = await scene.store.redis.pttl(f"{scene.store.prefix}session:{session.digest}")
        assert 0 < left <= 12 * 3_600_000
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


def test_tries_are_counted_by_name(play_for_real: Play) -> None:
    async def story(scene: Scene) -> None:
        sessions = Sessions(scene.store, quick(scene))
        for number in range(TRIES_PER_NAME):
            assert await sessions.sign_in("ann", "wrong password", f"client-{number}") is None
        with pytest.raises(SignInThrottled):
            await sessions.sign_in("ann", "wrong password", "yet another")

    play_for_real(story)


def test_roles_cover_lesser_ones() -> None:
    assert Role.ADMIN.covers(Role.OPERATOR)
    assert Role.OPERATOR.covers(Role.OPERATOR)
    assert not Role.REVIEWER.covers(Role.OPERATOR)
