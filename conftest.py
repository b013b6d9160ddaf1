"""Tell pytest how to judge a claim; everything else lives in `claims.engine.plugin`."""

pytest_plugins = ["claims.engine.plugin"]
