"""The line `Shapes:` is read as people read it, and held against every result."""

import numpy as np
import pytest

from claims.engine.shapes import Shapes

F64, F32 = np.dtype(np.float64), np.dtype(np.float32)


def shapes(line):
    return Shapes.of(f"Return something.\n\nShapes: {line}\n\nSource: none.")


@pytest.mark.parametrize(
    ("line", "arguments", "result", "breach"),
    [
        ("x (N, D), W (D, K) -> (N, K)", [np.ones((2, 3)), np.ones((3, 4))], np.ones((2, 4)), ""),
        (
            "x (N, D), W (D, K) -> (N, K)",
            [np.ones((2, 3)), np.ones((3, 4))],
            np.ones((4, 2)),
            "it returned shape (4, 2), not (N, K) with N = 2, K = 4",
        ),
        ("x (D,), h (H,) -> (D + H, 1)", [np.ones(2), np.ones(3)], np.ones((5, 1)), ""),
        (
            "x (D,), h (H,) -> (D + H, 1)",
            [np.ones(2), np.ones(3)],
            np.ones((6, 1)),
            "it returned shape (6, 1), not (D + H, 1) with D = 2, H = 3",
        ),
        ("x (*S, D) -> (*S)", [np.ones((2, 3, 4))], np.ones((2, 3)), ""),
        ("x (*S, D) -> (*S)", [np.ones(4)], np.float64(1), ""),
        ("x (*S, D) -> (*S)", [np.ones((2, 4))], np.ones(4), "it returned shape (4,), not (*S) with *S = (2,)"),
        ("x (N,) -> bool (N,)", [np.ones(2)], np.array([True, False]), ""),
        ("x (N,) -> bool (N,)", [np.ones(2)], np.ones(2), "it returned float64, not bool"),
        ("x (N,) -> int (N,)", [np.ones(2)], np.array([1, 2]), ""),
        ("x (N,) -> float", [np.ones(2)], 1.5, ""),
        ("x (N,) -> float", [np.ones(2)], np.float64(1.5), ""),
        ("x (N,) -> float", [np.ones(2)], np.array(1.5), ""),
        ("x (N,) -> float", [np.ones(2)], np.array([1.5]), "it returned an array of shape (1,), not a float"),
        ("x (N,) -> float", [np.ones(2)], "1.5", "it returned a str, not a float"),
        ("-> int", [], 2, ""),
        ("-> int", [], 2.5, "it returned a float, not a int"),
        ("W (D, C) -> (D, R), (R, C)", [np.ones((2, 3))], (np.ones((2, 5)), np.ones((5, 3))), ""),
        (
            "W (D, C) -> (D, R), (R, C)",
            [np.ones((2, 3))],
            (np.ones((2, 5)), np.ones((4, 3))),
            "it returned shape (4, 3), not (R, C) with R = 5, C = 3",
        ),
        (
            "W (D, C) -> (D, R), (R, C)",
            [np.ones((2, 3))],
            [np.ones((2, 5)), np.ones((5, 3))],
            "it returned a list, not a tuple of 2: (D, R), (R, C)",
        ),
        ("x (N, D) -> (N, D), cache", [np.ones((2, 3))], (np.ones((2, 3)), object()), ""),
        (
            "x (N, D) -> (N, D), cache",
            [np.ones((2, 3))],
            np.ones((2, 3)),
            "it returned an array of shape (2, 3), not a tuple of 2: (N, D), cache",
        ),
        ("x (N,), y int (N,) -> float, (N,)", [np.ones(2), np.array([0, 1])], (0.5, np.ones(2)), ""),
        ("x (N,) -> (N,)", [np.ones(2)], np.ones(2, np.float32), "it returned float32, not float64"),
    ],
)
def test_a_result_is_held_against_the_line(line, arguments, result, breach):
    """A wrong shape is named with the sizes that it should have had."""
    stated = shapes(line)

    assert stated.breach(result, stated.sizes(arguments), F64) == breach


def test_single_precision_stays_single():
    """What goes in as float32 comes back as float32."""
    stated = shapes("x (N,) -> (N,)")

    assert stated.breach(np.ones(2, np.float32), stated.sizes([np.ones(2, np.float32)]), F32) == ""
    assert stated.breach(np.ones(2), stated.sizes([np.ones(2, np.float32)]), F32) == "it returned float64, not float32"


def test_arguments_that_do_not_fit_state_nothing_about_sizes():
    """A claim may pass what is not legal, to see it refused; what comes back is then only counted."""
    stated = shapes("x (N, D), W (D, K) -> (N, K)")

    assert stated.sizes([np.ones((2, 3)), np.ones((4, 5))]) is None
    assert stated.breach(np.ones((7, 7)), None, F64) == ""


@pytest.mark.parametrize(
    "line",
    [
        "x (N,)",
        "(N,) -> (N,)",
        "x (N,) -> tensor",
        "x (N, -> (N,)",
        "x [N] -> float",
        "x (N,) or x -> (N,)",
        "x (N,) -> (N,) or y",
    ],
)
def test_a_line_that_cannot_be_read_says_so(line):
    """An author learns at once that the line is not what the contract can read."""
    with pytest.raises(ValueError, match=r"its line 'Shapes:' (has no arrow|cannot be read at)"):
        shapes(line)
