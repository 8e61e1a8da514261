import pytest

from .conftest import running_grafana


def save(grafana, dashboard, **more):
    return grafana.post("/api/dashboards/db", {"dashboard": dashboard} | more)


def saved(grafana, dashboard, **more):
    answer = save(grafana, dashboard, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def titles(grafana, **parameters):
    return [hit["title"] for hit in grafana.get("/api/search", **parameters).json()]


class TestDashboards:
    def test_it_comes_back_with_what_the_server_adds(self, own_grafana):
        panels = [{"type": "canvas", "title": "Flow → ½"}]
        answer = saved(own_grafana, {"id": None, "uid": "shop", "title": "The Shop!", "panels": panels})
        assert answer == {
            "id": 1,
            "uid": "shop",
            "url": "/d/shop/the-shop",
            "status": "success",
            "version": 1,
            "slug": "the-shop",
            "folderUid": "",
        }
        shown = own_grafana.get("/api/dashboards/uid/shop").json()
        expected = {"id": 1, "uid": "shop", "title": "The Shop!", "panels": panels, "version": 1}
        assert shown["dashboard"] == expected
        assert shown["meta"]["folderTitle"] == "General"
        assert shown["meta"]["created"].endswith("Z")

    def test_a_uid_is_made_up(self, own_grafana):
        first, second = (saved(own_grafana, {"title": "Same"}) for _ in range(2))
        assert first["uid"] != second["uid"]
        assert own_grafana.get(f"/api/dashboards/uid/{second['uid']}").status_code == 200

    def test_a_change_of_somebody_else_is_not_lost(self, own_grafana):
        saved(own_grafana, {"uid": "shop", "title": "one"})
        assert saved(own_grafana, {"uid": "shop", "title": "two", "version": 1})["version"] == 2
        for stale in ({"uid": "shop"}, {"id": 1, "version": 1}):
            answer = save(own_grafana, {"title": "three"} | stale)
            assert answer.status_code == 412
            assert answer.json() == {
                "message": "The dashboard has been changed by someone else",
                "status": "version-mismatch",
            }
        assert own_grafana.get("/api/dashboards/uid/shop").json()["dashboard"]["title"] == "two"

    def test_overwrite(self, own_grafana):
        saved(own_grafana, {"uid": "shop", "title": "one"})
        answer = saved(own_grafana, {"uid": "shop", "title": "two"}, overwrite=True)
        assert (answer["version"], answer["id"]) == (2, 1)

    @pytest.mark.parametrize(
        ("body", "status", "message"),
        [
            ({}, 400, "bad request data"),
            ({"dashboard": []}, 400, "bad request data"),
            ({"dashboard": {"title": 5}}, 400, "bad request data"),
            ({"dashboard": {"title": "x"}, "overwrite": "yes"}, 400, "bad request data"),
            ({"dashboard": {}}, 400, "Dashboard title cannot be empty"),
            ({"dashboard": {"title": " "}}, 400, "Dashboard title cannot be empty"),
            ({"dashboard": {"title": "x", "uid": "a b"}}, 400, "uid contains illegal characters"),
            ({"dashboard": {"title": "x", "uid": "a" * 41}}, 400, "uid too long, max 40 characters"),
            ({"dashboard": {"title": "x", "id": 99}}, 404, "Dashboard not found"),
            ({"dashboard": {"title": "x"}, "folderUid": "none"}, 400, "folder not found"),
        ],
    )
    def test_what_cannot_be_saved(self, own_grafana, body, status, message):
        answer = own_grafana.post("/api/dashboards/db", body)
        assert (answer.status_code, answer.json()["message"]) == (status, message)
        assert titles(own_grafana) == []

    def test_a_uid_stays(self, own_grafana):
        saved(own_grafana, {"uid": "shop", "title": "x"})
        answer = save(own_grafana, {"id": 1, "uid": "other", "title": "x", "version": 1})
        assert answer.status_code == 400

    def test_delete(self, own_grafana):
        saved(own_grafana, {"uid": "shop", "title": "Shop"})
        answer = own_grafana.call("DELETE", "/api/dashboards/uid/shop")
        assert answer.json() == {"id": 1, "title": "Shop", "message": "Dashboard Shop deleted"}
        for method in ("GET", "DELETE"):
            answer = own_grafana.call(method, "/api/dashboards/uid/shop")
            assert (answer.status_code, answer.json()["message"]) == (404, "Dashboard not found")

    def test_they_outlive_a_restart(self, own_settings):
        with running_grafana(own_settings) as grafana:
            assert grafana.post("/api/folders", {"uid": "f", "title": "F"}).ok
            saved(grafana, {"uid": "shop", "title": "Shop"}, folderUid="f")
        with running_grafana(own_settings) as grafana:
            assert grafana.get("/api/dashboards/uid/shop").json()["meta"]["folderTitle"] == "F"


class TestFolders:
    def test_made_listed_shown(self, own_grafana):
        made = own_grafana.post("/api/folders", {"uid": "chaos", "title": "Chaos days"})
        assert made.status_code == 200
        assert made.json()["url"] == "/dashboards/f/chaos/chaos-days"
        assert own_grafana.get("/api/folders").json() == [{"id": 1, "uid": "chaos", "title": "Chaos days"}]
        assert own_grafana.get("/api/folders/chaos").json() == made.json()

    def test_a_uid_is_made_up(self, own_grafana):
        assert own_grafana.post("/api/folders", {"title": "x"}).json()["uid"]

    @pytest.mark.parametrize(
        ("body", "status", "message"),
        [
            ({}, 400, "folder title cannot be empty"),
            ({"title": "x", "uid": "a/b"}, 400, "uid contains illegal characters"),
            ({"title": "x", "parentUid": "y"}, 400, "nested folders are not supported here"),
            ({"title": "x", "uid": "taken"}, 409, "a folder/dashboard with the same uid already exists"),
            ({"title": "x", "uid": "shop"}, 409, "a folder/dashboard with the same uid already exists"),
        ],
    )
    def test_what_cannot_be_made(self, own_grafana, body, status, message):
        own_grafana.post("/api/folders", {"title": "Taken", "uid": "taken"})
        saved(own_grafana, {"uid": "shop", "title": "Shop"})
        answer = own_grafana.post("/api/folders", body)
        assert (answer.status_code, answer.json()["message"]) == (status, message)

    def test_none(self, own_grafana):
        answer = own_grafana.get("/api/folders/none")
        assert (answer.status_code, answer.json()["message"]) == (404, "folder not found")


def test_search(own_grafana):
    own_grafana.post("/api/folders", {"uid": "chaos", "title": "Chaos"})
    saved(own_grafana, {"uid": "a", "title": "Shop overview", "tags": ["shop", "slo"]}, folderUid="chaos")
    saved(own_grafana, {"uid": "b", "title": "Shop detail", "tags": ["shop"]})
    saved(own_grafana, {"uid": "c", "title": "Chaos day", "tags": None})
    assert titles(own_grafana) == ["Chaos", "Chaos day", "Shop detail", "Shop overview"]
    assert titles(own_grafana, type="dash-db", query="CHAOS") == ["Chaos day"]
    assert titles(own_grafana, type="dash-folder") == ["Chaos"]
    assert titles(own_grafana, tag=["shop", "slo"]) == ["Shop overview"]
    assert titles(own_grafana, tag="shop") == ["Shop detail", "Shop overview"]
    assert titles(own_grafana, folderUIDs="chaos") == ["Shop overview"]
    assert titles(own_grafana, folderUIDs="general") == ["Chaos day", "Shop detail"]
    assert titles(own_grafana, limit=2) == ["Chaos", "Chaos day"]
    assert titles(own_grafana, limit=2, page=2) == ["Shop detail", "Shop overview"]
    [hit] = own_grafana.get("/api/search", query="overview").json()
    expected = {"uid": "a", "type": "dash-db", "url": "/d/a/shop-overview", "folderTitle": "Chaos"}
    assert expected.items() <= hit.items()
