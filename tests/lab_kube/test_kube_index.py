"""What keeps a thousand pods cheap: objects found by their controller, and a loop that looks in batches."""

import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from lab.kube.controllers.loop import Loop, itself
from lab.kube.index import NOBODY, Objects
from lab.kube.store import Store


def controlled_by(uid):
    references = [{"uid": "o", "kind": "Other"}]
    return {"metadata": {"ownerReferences": references + ([{"uid": uid, "controller": True}] if uid else [])}}


_KEYS = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["x", "y", "z"]))
_WRITES = st.lists(st.tuples(_KEYS, st.sampled_from(["", "u1", "u2", None])))


@given(_WRITES)
def test_an_index_finds_what_a_search_finds(writes):
    objects, plain = Objects(), {}
    for key, uid in writes:
        if uid is None:
            if key in plain:
                del objects[key], plain[key]
            continue
        objects[key] = plain[key] = controlled_by(uid)
    assert dict(objects) == plain
    for namespace in ("a", "b"):
        assert objects.within(namespace) == [plain[key] for key in sorted(plain) if key[0] == namespace]
        for uid in ("u1", "u2", NOBODY):
            wanted = [
                plain[key] for key in sorted(plain) if key[0] == namespace and plain[key] == controlled_by(uid)
            ]
            assert objects.controlled(namespace, uid) == wanted
    for key in plain:
        del objects[key]
    assert (len(objects._within), len(objects._controlled)) == (0, 0)


def config_map(number):
    return {"metadata": {"name": "x", "namespace": "default"}, "data": {"number": str(number)}}


def test_what_costs_much_is_looked_at_less_often_and_yet_in_the_end():
    asyncio.run(change_often())


async def change_often():
    store, seen, changes = Store(), [], 100

    def reconcile(key):
        seen.append(store.get("configmaps", *key)["data"]["number"])
        end = time.thread_time() + 0.005
        while time.thread_time() < end:
            pass

    loop = Loop(store, reconcile, {"configmaps": itself})
    task = asyncio.create_task(loop.run())
    store.create("configmaps", config_map(0))
    for number in range(1, changes):
        store.replace("configmaps", config_map(number))
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        while not seen or seen[-1] != str(changes - 1):
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(seen) < changes
