"""What queries answer; ``world`` is described in conftest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import omero
import pytest

from omero_sandbox.db.store import Quantity
from omero_sandbox.hql.kinds import Time

Query = Callable[..., list[tuple[Any, ...]]]


# -- joins --------------------


def test_a_plain_join_multiplies_its_root(query: Query) -> None:
    assert query("select i from Image i join i.annotationLinks l where i.id = 1") == [(1,), (1,), (1,)]


def test_distinct_keeps_each_object_once(query: Query) -> None:
    assert query("select distinct i from Image i join i.annotationLinks l order by i.id") == [(1,), (2,)]


def test_a_fetched_collection_keeps_each_root_once(query: Query) -> None:
    assert query("select i from Image i join fetch i.annotationLinks l order by i.id") == [(1,), (2,)]


def test_an_outer_join_keeps_the_rest(query: Query) -> None:
    text = "select i.id, f.id from Image i left outer join i.fileset f order by i.id"
    assert query(text) == [(1, 1), (2, 1), (3, None), (4, None), (5, None)]


def test_a_path_through_a_reference_is_an_inner_join(query: Query) -> None:
    assert query("select i.id, i.fileset.templatePrefix from Image i order by i.id") == [
        (1, "root_0/"),
        (2, "root_0/"),
    ]


def test_that_inner_join_drops_rows_even_of_an_or(query: Query) -> None:
    assert query("select i.id from Image i where i.fileset.templatePrefix = 'no' or i.id in (2, 3)") == [(2,)]


def test_the_id_of_a_reference_needs_no_join(query: Query) -> None:
    assert query("select i.id, i.fileset.id from Image i where i.id > 1 order by i.id") == [
        (2, 1),
        (3, None),
        (4, None),
        (5, None),
    ]


def test_a_selected_reference_is_joined(query: Query) -> None:
    assert query("select i.fileset from Image i") == [(1,), (1,)]


def test_classes_side_by_side_are_combined(query: Query) -> None:
    text = "select i.id, w.id from Image i, WellSample w where w.image = i and w.well.plate.id = :id"
    assert query(text, id=1) == [(4, 1)]


def test_a_with_condition_restricts_the_join_not_the_root(query: Query) -> None:
    text = (
        "select i.id, d.name from Image i left join i.datasetLinks l left join l.parent d with d.name = 'no'"
    )
    assert {name for _, name in query(text)} == {None}


def test_entries_of_a_map_are_joined(query: Query) -> None:
    text = "select v.name, v.value from ImageAnnotationLink l join l.child.mapValue v where l.parent.id = 1"
    assert query(text) == [("key", "one"), ("key", "two"), ("other", "")]


def test_a_property_of_a_subclass_is_found_on_the_superclass(query: Query) -> None:
    assert query("select a.textValue from Annotation a where a.textValue like 't%'") == [("tag",)]


def test_a_query_without_select_gives_classes_and_plain_joins(query: Query) -> None:
    assert query(
        "from Dataset d join d.imageLinks l left join fetch d.projectLinks where l.child.id = 2"
    ) == [(1, 2)]


def test_properties_without_alias_belong_to_the_class(query: Query) -> None:
    assert query("select max(row), max(column) from Well where plate.id = :id", id=1) == [(0, 1)]


# -- conditions --------------------


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("i.series between 2 and 4", [2, 3, 4]),
        ("i.series not between 2 and 4", [1, 5]),
        ("i.series in (1, 5, 7)", [1, 5]),
        ("i.series not in (1, 5, 7)", [2, 3, 4]),
        ("i.name like '%2'", [2]),
        ("i.name like 'IMAGE _'", []),
        ("lower(i.name) like lower('IMAGE _')", [1, 2, 3, 4, 5]),
        ("i.name like 'image\\_1'", []),
        ("i.description is null", [2, 4]),
        ("i.description is not null and i.series <> 1", [3, 5]),
        ("i.annotationLinks is empty", [3, 4, 5]),
        ("i.annotationLinks is not empty", [1, 2]),
        ("size(i.annotationLinks) = 3", [1]),
        ("not exists (select l from DatasetImageLink l where l.child = i.id)", [4, 5]),
        (
            "exists (select l from DatasetImageLink l where l.child = i and l.parent.name = 'dataset')",
            [1, 2, 3],
        ),
        (
            "i.id in (select l.parent.id from ImageAnnotationLink l where l.child.class = TagAnnotation)",
            [1, 2],
        ),
        ("i.id not in (select w.image.id from WellSample w)", [1, 2, 3, 5]),
        ("i.series >= all (select j.series from Image j)", [5]),
        ("i.series > any (select j.series from Image j where j.series > 2)", [4, 5]),
        ("i.series = (select max(j.series) from Image j)", [5]),
        ("i.series % 2 = 0 and i.series / 2 = 1", [2]),
        ("i.series + 1 = 2 * 2 - 1", [2]),
        ("-i.series = -(3)", [3]),
        ("i.name || '!' = 'image 3!'", [3]),
        ("case when i.series < 3 then 'low' when i.series = 3 then 'mid' else 'high' end = 'high'", [4, 5]),
        ("case i.series when 1 then 10 else 0 end = 10", [1]),
        ("coalesce(i.description, i.name) = 'image 2'", [2]),
        ("cast(i.series as string) = '4'", [4]),
        ("i.id = '4'", [4]),
        ("i.details.owner.omeName = 'root' and i.series = 1", [1]),
        ("i.details.owner.id = 1", []),
        ("i in (select l.child from DatasetImageLink l)", [1, 2, 3]),
        ("2 member of i.annotationLinks", [1]),
        ("true = false", []),
        ("1 = 1", [1, 2, 3, 4, 5]),
    ],
)
def test_conditions(query: Query, condition: str, expected: list[int]) -> None:
    assert query(f"select i.id from Image i where {condition} order by i.id") == [
        (each,) for each in expected
    ]


def test_classes_are_compared_and_tested(query: Query) -> None:
    assert query("select a.id from Annotation a where a.class = MapAnnotation") == [(3,)]
    assert query("select a.id from Annotation a where a.class in (MapAnnotation, TagAnnotation)") == [
        (1,),
        (3,),
    ]
    assert query("select a.id from Annotation a where a.class = ome.model.annotations.TagAnnotation") == [
        (1,)
    ]
    assert query("select a.id from Annotation a where type(a) = CommentAnnotation") == [(2,)]
    assert query("select a.id from Annotation a where a member of ome.model.annotations.TagAnnotation") == [
        (1,)
    ]


def test_parameters_may_be_lists_objects_and_repeated(query: Query) -> None:
    assert query(
        "select i.id from Image i where i.id in (:ids) and i.id <> :not", ids=[1, 2, 9], **{"not": 1}
    ) == [(2,)]
    assert query(
        "select l.child.id from DatasetImageLink l where l.parent = :d and l.child in (:i)", d=1, i=[3]
    ) == [(3,)]


# -- three-valued logic --------------------


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("i.description = 'odd'", [1, 3, 5]),
        ("i.description <> 'odd'", []),
        ("not (i.description = 'odd')", []),
        ("not (i.description <> 'odd')", [1, 3, 5]),
        ("i.description = null", []),
        ("i.description = 'odd' or i.series = 2", [1, 2, 3, 5]),
        ("not (i.description = 'even' and i.series = 2)", [1, 3, 4, 5]),
        ("i.description in ('odd', null)", [1, 3, 5]),
        ("i.description not in ('even', null)", []),
        ("'x' not in (i.description, 'y')", [1, 3, 5]),
        ("i.series not in (select f.id from Fileset f where f.id = -1)", [1, 2, 3, 4, 5]),
        ("i.series not in (select j.fileset.id from Image j)", []),
        ("i.description between 'a' and 'z'", [1, 3, 5]),
        ("i.description like '%'", [1, 3, 5]),
        ("not (i.description like 'x%')", [1, 3, 5]),
        ("concat(i.description, 'x') is null", [2, 4]),
        ("case when i.description = 'odd' then 1 else 2 end = 2", [2, 4]),
        ("nullif(i.description, 'odd') is null", [1, 2, 3, 4, 5]),
    ],
)
def test_null_is_neither_true_nor_false(query: Query, condition: str, expected: list[int]) -> None:
    assert query(f"select i.id from Image i where {condition} order by i.id") == [
        (each,) for each in expected
    ]


# -- order, pages, groups --------------------


def test_nulls_sort_last_and_first_when_descending(query: Query) -> None:
    text = "select i.id from Image i order by i.description {}, i.id desc"
    assert query(text.format("")) == [(5,), (3,), (1,), (4,), (2,)]
    assert query(text.format("desc")) == [(4,), (2,), (5,), (3,), (1,)]


def test_a_page_counts_rows(query: Query) -> None:
    text = "select i from Image i join i.annotationLinks l order by i.id, l.id"
    assert query(text, offset=2, limit=2) == [(1,), (2,)]
    assert query("select i.id from Image i", limit=2) == [(1,), (2,)]
    assert query("select i.id from Image i", offset=4, limit=2) == [(5,)]


def test_a_page_with_a_fetched_collection_counts_roots(query: Query) -> None:
    assert query("select i from Image i join fetch i.annotationLinks l order by i.id", offset=1, limit=5) == [
        (2,)
    ]


def test_aggregates_over_everything(query: Query) -> None:
    text = "select count(*), count(i.description), sum(i.series), avg(i.series), min(i.name) from Image i"
    assert query(text) == [(5, 3, 15, 3.0, "image 1")]


def test_aggregates_over_nothing_are_null_and_zero(query: Query) -> None:
    assert query("select count(i), sum(i.series), max(i.id) from Image i where i.id < 0") == [(0, None, None)]


def test_groups_may_be_counted_sorted_and_filtered(query: Query) -> None:
    text = "select i.description, count(i) from Image i group by i.description {} order by count(i) desc"
    assert query(text.format("")) == [("odd", 3), (None, 2)]
    assert query(text.format("having count(i) > 2")) == [("odd", 3)]


def test_distinct_values_are_counted_once(query: Query) -> None:
    assert query("select count(distinct l.child), count(l.child) from ImageAnnotationLink l") == [(3, 4)]


def test_a_column_alias_sorts(query: Query) -> None:
    assert query("select i.series * -1 as minus from Image i order by minus", limit=1) == [(-5,)]


def test_list_positions(query: Query) -> None:
    text = "select index(c), c.logicalChannel.name from Pixels p join p.channels c where p.id = 1"
    assert query(f"{text} order by index(c) desc") == [(1, "channel 1"), (0, "channel 0")]
    assert query("select minIndex(c), maxIndex(c) from Pixels p join p.channels c") == [(0, 1)]


# -- values --------------------


def test_units_and_their_parts(query: Query) -> None:
    text = "select p.physicalSizeX, p.physicalSizeX.value, p.physicalSizeX.unit from Pixels p where p.id = 1"
    assert query(text) == [(Quantity(0.5, "MICROMETER"), 0.5, "MICROMETER")]


def test_functions(query: Query) -> None:
    text = (
        "select upper(i.name), length(i.name), substring(i.name, 1, 3), trim('  x '), "
        "concat(i.name, '-', i.series), abs(-3), locate('g', i.name), mod(7, 4), "
        "str(i.series) from Image i where i.id = 1"
    )
    assert query(text) == [("IMAGE 1", 7, "ima", "x", "image 1-1", 3, 4, 3, "1")]


def test_integers_divide_to_integers(query: Query) -> None:
    assert query("select 7 / 2, -7 / 2, 7 / 2.0, -7 % 2 from Project p") == [(3, -3, 3.5, -1)]


def test_subqueries_in_the_select_clause(query: Query) -> None:
    text = "select d.id, (select size(e.imageLinks) from Dataset e where e.id = d.id) from Dataset d"
    assert query(text) == [(1, 3)]


# -- refusals --------------------


@pytest.mark.parametrize(
    "text",
    [
        "from Nothing",
        "select i.nothing from Image i",
        "select x from Image i",
        "select i.pixels.sizeX from Image i",
        "select i.name.size from Image i",
        "select i from Image i join i.name n",
        "select i from Image i join Pixels p",
        "select i from Image i, Pixels i",
        "select i.id from Image i join fetch i.pixels",
        "select p from Image i join fetch i.pixels p",
        "select i from Image i left join i.fileset f with i.id = 1",
        "select i from Image i left join fetch i.fileset f with f.id = 1",
        "select e.details.owner from Experimenter e",
        "select e.version from Event e",
        "select size(i.name) from Image i",
        "select index(i) from Image i",
        "select i from Image i where i.name is empty",
        "select i.details from Image i",
    ],
)
def test_what_does_not_fit_the_model_is_refused(query: Query, text: str) -> None:
    with pytest.raises(omero.QueryException):
        query(text)


@pytest.mark.parametrize(
    "text",
    [
        "select i from Image i where i.id = :missing",
        "select i from Image i where i.id = :null",
        "select i from Image i where i.id in (:empty)",
        "select i from Image i where i.id = :several",
        "select i from Image i where i.id = :typed",
        "select i from Image i where i.series = :typed",
        "select i from Image i where i.name = 5",
        "select i from Image i where i.id = 'five'",
        "select i from Image i where i.series / 0 = 1",
        "select i from Image i where i.series = (select j.series from Image j)",
        "select i.id from Image i where nothing(i.id) = 1",
        "select distinct i.id from Image i order by i.name",
        "select i.name, count(i) from Image i",
        "select i.name, count(i) from Image i group by i.series",
        "select i from Image i where count(i) = 1",
        "select sum(max(i.id)) from Image i",
        "select sum(i.name) from Image i",
    ],
)
def test_what_the_database_would_refuse_is_refused(query: Query, text: str) -> None:
    with pytest.raises(omero.ApiUsageException) as error:
        query(text, null=None, empty=[], several=[1, 2], typed="5")
    assert not isinstance(error.value, omero.QueryException)


@pytest.mark.parametrize("column", ["i.series", "i.name", "i.acquisitionDate", "i.archived", "i.fileset"])
def test_a_parameter_of_another_type_is_refused_even_where_there_are_no_rows(
    query: Query, column: str
) -> None:
    fitting = {"i.name": "x", "i.acquisitionDate": Time(1), "i.archived": True}
    for value in ("x", Time(1), True, 1):
        text = f"select i from Image i where i.id < 0 and {column} = :value"
        if value == fitting.get(column, 1) and type(value) is type(fitting.get(column, 1)):
            assert query(text, value=value) == []
        else:
            with pytest.raises(omero.ApiUsageException, match="operator does not exist"):
                query(text, value=value)


def test_a_thousand_conditions_are_no_problem(query: Query) -> None:
    text = " or ".join(f"i.id = {number}" for number in range(1, 3000, 2))
    assert query(f"select i.id from Image i where {text} order by i.id") == [(1,), (3,), (5,)]


def test_distinct_may_sort_by_columns_of_the_selected_object(query: Query) -> None:
    assert query("select distinct i from Image i join i.annotationLinks l order by i.name desc") == [
        (2,),
        (1,),
    ]
