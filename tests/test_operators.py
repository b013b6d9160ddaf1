"""Every operator of every answer is load-bearing: change one, and a claim is refuted.

This is the test of the claims as a whole: an operator that can be changed unseen is a part of the
answer about which nothing is claimed.
"""

import ast
import copy
from collections.abc import Iterator
from types import ModuleType

import pytest

from claims.engine import reading
from claims.engine.declare import ROOT
from claims.engine.judge import judge
from claims.engine.profiles import PROFILES
from claims.engine.slots import public_functions
from claims.engine.subjects import Subject
from claims.engine.trials import trials

BOOK = reading.load()
OTHERS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.USub: ast.UAdd,
    ast.Not: None,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}

# Changes that change nothing: function, operator, and why.
EQUIVALENT = {
    ("count_xor_networks", "Add"): "all parameters run over a grid that is symmetric about 0, so signs do not matter",
    ("count_xor_networks", "Sub"): "the same",
    ("dropout_forward", "GtE"): "a uniform number is p itself with probability 2⁻⁵³ at most",
    ("vanilla_dropout_forward", "GtE"): "the same",
    ("stochastic_round", "Lt"): "a uniform number is the share of the gap itself with probability 2⁻⁵³ at most",
}


def places(tree: ast.AST) -> Iterator[tuple[ast.AST, int]]:
    """Yield each node with an operator, and the operator's index in it, but for annotations."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp | ast.UnaryOp):
            yield node, 0
        elif isinstance(node, ast.Compare):
            yield from ((node, i) for i in range(len(node.ops)))


def home(tree: ast.Module, line: int) -> str:
    """Return the name of the top-level function that a line belongs to."""
    return next((n.name for n in tree.body if isinstance(n, ast.FunctionDef) and n.lineno <= line <= n.end_lineno), "")


def bare(tree: ast.Module) -> ast.Module:
    """Return a module without its annotations, whose | is no operator of the answer."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
                argument.annotation = None
    return tree


def changed(tree: ast.Module, index: int) -> tuple[str, ast.Module]:
    """Return the module with its operator number `index` changed, and words for the change."""
    tree = copy.deepcopy(tree)
    node, i = list(places(tree))[index]
    operator = node.ops[i] if isinstance(node, ast.Compare) else node.op
    other = OTHERS[type(operator)]
    words = f"{home(tree, node.lineno)}:{node.lineno}:{node.col_offset}:{type(operator).__name__}"
    if other is None:  # not x becomes x
        node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Compare):
        node.ops[i] = other()
    else:
        node.op = other()
    return words, ast.fix_missing_locations(tree)


def operators():
    for stem in BOOK.pages:
        tree = bare(ast.parse((ROOT / f"answers/{stem}.py").read_text(encoding="utf-8")))
        for index in range(len(list(places(tree)))):
            words, mutant = changed(tree, index)
            if (words.split(":")[0], words.split(":")[-1]) in EQUIVALENT:
                continue
            yield pytest.param(stem, words.split(":")[0], mutant, id=f"{stem}:{words}:{index}")


@pytest.mark.parametrize(("stem", "function", "mutant"), list(operators()))
def test_changing_an_operator_is_noticed(stem, function, mutant):
    """If this fails, the answer could say something else at this place and no claim would object."""
    module = ModuleType(f"answers.{stem}")
    exec(compile(mutant, f"answers/{stem}.py", "exec"), module.__dict__)
    # What else the page needs comes from the other pages, as it does for the reference.
    functions = {slot.name: slot.reference for slot in BOOK.slots.values()} | public_functions(module)
    # Only what the change can reach; first what judges the changed function itself, and last what trains.
    reached = [
        t
        for t in trials(BOOK, [Subject("mutant", functions)])
        if not t.functions.keys().isdisjoint(public_functions(module))
    ]
    reached.sort(key=lambda trial: (function not in trial.functions, trial.claim.kind == "measured"))

    assert any(judge(trial, PROFILES["default"], seed=1).outcome == "refuted" for trial in reached)
