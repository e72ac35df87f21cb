"""Explaining everything of every shipped recording: never empty, of one mind with the report."""

from __future__ import annotations

import pytest

from domcaps.language import Truth
from domcaps.report.document import build
from domcaps.report.explain import explain_all
from domcaps.report.flat import flatten
from domcaps.shipped import open_shipped, shipped_names


@pytest.mark.parametrize("name", shipped_names())
@pytest.mark.parametrize("libvirt", ["11.3", "12.0", "12.8"])
def test_explanations_agree_with_the_report(name: str, libvirt: str) -> None:
    host = open_shipped(name)
    (path,) = host.emulators.paths()
    for virttype in host.emulators.get(path).virttypes:
        world = host.world(path, virttype=virttype, libvirt=libvirt)
        statements = flatten(build(world))
        for explanation in explain_all(host.world(path, virttype=virttype, libvirt=libvirt)):
            assert explanation.reason.statement
            assert explanation.truth is not Truth.UNKNOWN, explanation.path
            if explanation.path in statements and explanation.spoken:
                promised = statements[explanation.path] == "yes"
                assert promised is (explanation.truth is Truth.YES), explanation.path
            if explanation.truth is Truth.NO:
                assert explanation.changes, explanation.path
