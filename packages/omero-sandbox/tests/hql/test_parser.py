import omero
import pytest

from omero_sandbox.hql import tree
from omero_sandbox.hql.parser import parse


def where(condition: str) -> tree.Expression:
    found = parse(f"select a from A a where {condition}").where
    assert found is not None
    return found


def test_and_binds_closer_than_or_and_not_closer_than_both() -> None:
    a, b, c = (tree.Path((name,)) for name in "abc")
    assert where("a or b and not c") == tree.Logical("or", (a, tree.Logical("and", (b, tree.Not(c)))))


def test_product_binds_closer_than_sum() -> None:
    one, two, three = (tree.Literal(number, "int") for number in (1, 2, 3))
    expected = tree.Compare("=", tree.Arithmetic("+", one, tree.Arithmetic("*", two, three)), one)
    assert where("1 + 2 * 3 = 1") == expected


@pytest.mark.parametrize(
    "word", ["group", "order", "class", "member", "value", "count", "index", "in", "is", "as"]
)
def test_a_keyword_after_a_dot_is_a_property(word: str) -> None:
    assert where(f"a.{word} is null") == tree.IsNull(tree.Path(("a", word)))


@pytest.mark.parametrize("word", ["map", "index", "type", "size", "order_", "selected", "ascii", "allowed"])
def test_a_word_that_only_looks_like_a_keyword_is_an_alias(word: str) -> None:
    assert parse(f"from A {word} where {word}.x = 1").sources[0].alias == word


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("7", 7, "int"),
        ("3000000000", 3000000000, "long"),
        ("7L", 7, "long"),
        ("1.5", 1.5, "double"),
        (".5f", 0.5, "float"),
        ("1e3", 1000.0, "double"),
        ("'it''s'", "it's", "string"),
        ("''", "", "string"),
        ("TRUE", True, "boolean"),
        ("null", None, "null"),
    ],
)
def test_literals(text: str, value: object, kind: str) -> None:
    compared = where(f"a = {text}")
    assert isinstance(compared, tree.Compare)
    assert isinstance(compared.right, tree.Literal)
    assert (compared.right.value, compared.right.kind) == (value, kind)


def test_keywords_are_case_insensitive() -> None:
    assert parse("SELECT a FROM A AS a WHERE a.x IN (:x) ORDER BY a.x DESC") == parse(
        "select a from A as a where a.x in (:x) order by a.x desc"
    )


def test_joins_keep_kind_fetch_alias_and_condition() -> None:
    joins = (
        parse("from A a left outer join fetch a.b join a.c as c with c.x = 1 inner join a.d d")
        .sources[0]
        .joins
    )
    assert [(str(join.path), join.alias, join.outer, join.fetch) for join in joins] == [
        ("a.b", None, True, True),
        ("a.c", "c", False, False),
        ("a.d", "d", False, False),
    ]
    assert [join.condition is not None for join in joins] == [False, True, False]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "select",
        "select from A",
        "from A a where",
        "from A a where a.x in :ids",
        "from A a where a.x = 'open",
        "select a from A a orderby a.x",
        "select a from A a where a.x ! 1",
        "select new set(a.x as x) from A a",
        "select sum(*) from A a",
        "update A set x = 1",
        "delete from A",
    ],
)
def test_what_is_no_query_is_refused(text: str) -> None:
    with pytest.raises(omero.QueryException, match="Illegal query"):
        parse(text)
