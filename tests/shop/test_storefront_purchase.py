def test_home(shop):
    import requests

    r = requests.get(shop["web-gateway"].url("/"), timeout=5)
    assert r.status_code == 200, r.text
    assert "First Light" in r.text
